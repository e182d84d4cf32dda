//! The stream below the driver: plain or TLS, already negotiated, and the one message of the
//! start-up that the driver keeps to itself.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
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

    /// Where the key will appear that the server announces.
    pub(super) fn backend_key(&self) -> Arc<OnceLock<BackendKey>> {
        Arc::clone(&self.watch.key)
    }
}

/// BackendKeyData: what a cancel request must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BackendKey {
    /// The backend's process id; a pooler makes one up.
    pub(super) pid: i32,
    pub(super) secret: i32,
}

/// Tag and length of a message.
const HEADER: usize = 5;
/// Process id and secret behind them.
const KEY: usize = 8;

/// Follows the server's messages until BackendKeyData, which the driver keeps to itself: comparing
/// its process id with pg_backend_pid() proves a pooler, and our own cancel request needs both numbers.
#[derive(Default)]
struct Watch {
    header: Vec<u8>,
    skip: usize,
    key: Arc<OnceLock<BackendKey>>,
}

impl Watch {
    fn see(&mut self, mut bytes: &[u8]) {
        while self.key.get().is_none() && !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let wanted = if self.header.first() == Some(&b'K') { HEADER + KEY } else { HEADER };
            let taken = wanted.saturating_sub(self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            match *self.header.as_slice() {
                [b'K', _, _, _, _, a, b, c, d, e, f, g, h] => {
                    let key = BackendKey { pid: i32::from_be_bytes([a, b, c, d]), secret: i32::from_be_bytes([e, f, g, h]) };
                    // Set once: the loop ends with it.
                    let _ = self.key.set(key);
                }
                [tag, a, b, c, d] if tag != b'K' => {
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
    fn the_key_is_found_however_the_bytes_arrive() {
        let mut bytes = Vec::new();
        bytes.extend(b"R\0\0\0\x08\0\0\0\0"); // AuthenticationOk
        bytes.extend(b"S\0\0\0\x0aK\0K\0\xff\xff"); // a parameter with K in it
        bytes.extend(b"K\0\0\0\x0c\0\0\x30\x39\0\0\0\x07Z\0\0\0\x05I");
        for size in 1..=bytes.len() {
            let mut watch = Watch::default();
            for chunk in bytes.chunks(size) {
                watch.see(chunk);
            }
            assert_eq!(watch.key.get(), Some(&BackendKey { pid: 12345, secret: 7 }), "in pieces of {size}");
        }
    }
}
