//! The stream below the driver: plain or TLS, already negotiated, and the one message of the
//! start-up that the driver keeps to itself.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// What can lie below the driver.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A negotiated stream that listens for BackendKeyData.
pub(super) struct Wire {
    io: Box<dyn Io>,
    /// Binding data for SCRAM; the driver asks once.
    binding: Cell<Option<ChannelBinding>>,
    watch: Watch,
}

impl Wire {
    /// Wraps a plain stream.
    pub(super) fn plain(io: impl Io + 'static) -> Self {
        Wire { io: Box::new(io), binding: Cell::new(None), watch: Watch::default() }
    }

    /// Wraps an encrypted stream.
    pub(super) fn encrypted(io: impl Io + TlsStream + 'static) -> Self {
        Wire { binding: Cell::new(Some(io.channel_binding())), io: Box::new(io), watch: Watch::default() }
    }

    /// Where the process id will appear that the server announces; 0 until then.
    pub(super) fn announced_pid(&self) -> Arc<AtomicI32> {
        Arc::clone(&self.watch.pid)
    }
}

/// Tag and length, and of BackendKeyData the process id.
const HEADER: usize = 5;

/// Follows the server's messages until BackendKeyData: a pooler makes up the process id in it,
/// so comparing it with pg_backend_pid() proves the pooler. The driver keeps this number private.
#[derive(Default)]
struct Watch {
    header: Vec<u8>,
    skip: usize,
    pid: Arc<AtomicI32>,
    done: bool,
}

impl Watch {
    fn see(&mut self, mut bytes: &[u8]) {
        while !self.done && !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let wanted = if self.header.first() == Some(&b'K') { HEADER + 4 } else { HEADER };
            let taken = wanted.saturating_sub(self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            match (self.header.as_slice(), self.header.len()) {
                (&[b'K', _, _, _, _, a, b, c, d], _) => {
                    self.pid.store(i32::from_be_bytes([a, b, c, d]), Ordering::Release);
                    self.done = true;
                }
                (&[tag, a, b, c, d], HEADER) if tag != b'K' => {
                    // The length counts itself but not the tag.
                    self.skip = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_sub(4);
                    self.header.clear();
                }
                _ => {}
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        self.watch.see(&buf.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        self.binding.take().unwrap_or_else(ChannelBinding::none)
    }
}

/// Hands the driver a stream whose TLS is already there.
pub(super) struct Negotiated;

impl TlsConnect<Wire> for Negotiated {
    type Stream = Wire;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Wire, Self::Error>>;

    fn connect(self, stream: Wire) -> Self::Future {
        std::future::ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_id_is_found_however_the_bytes_arrive() {
        let mut bytes = Vec::new();
        bytes.extend(b"R\0\0\0\x08\0\0\0\0"); // AuthenticationOk
        bytes.extend(b"S\0\0\0\x0aK\0K\0\xff\xff"); // a parameter with K in it
        bytes.extend(b"K\0\0\0\x0c\0\0\x30\x39\0\0\0\x07Z\0\0\0\x05I");
        for size in 1..=bytes.len() {
            let mut watch = Watch::default();
            for chunk in bytes.chunks(size) {
                watch.see(chunk);
            }
            assert_eq!(watch.pid.load(Ordering::Acquire), 12345, "in pieces of {size}");
        }
    }
}
