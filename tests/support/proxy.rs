//! A network between the advisor and a server that can be cut without either side hearing of it.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Listens on a port of its own and passes everything on to a server's socket.
pub struct Proxy {
    /// Port on 127.0.0.1.
    pub port: u16,
    network: Arc<Mutex<Network>>,
}

/// What connections made now have in common.
struct Network {
    socket: PathBuf,
    /// True once it swallows. Those who hold it stay cut off for ever: what stood in between has forgotten them.
    cut: Arc<AtomicBool>,
}

impl Proxy {
    /// To the server whose socket lies in this folder.
    pub fn start(folder: &Path) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let network = Arc::new(Mutex::new(Network { socket: socket(folder), cut: Arc::default() }));
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), network: Arc::clone(&network) };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (socket, cut) = {
                    let network = lock(&network);
                    (network.socket.clone(), Arc::clone(&network.cut))
                };
                std::thread::spawn(move || carry(client, &socket, &cut));
            }
        });
        proxy
    }

    /// From now on everything is swallowed, new connections too, and no end of a connection is passed on.
    pub fn cut(&self) {
        lock(&self.network).cut.store(true, Ordering::SeqCst);
    }

    /// New connections get through again.
    pub fn heal(&self) {
        lock(&self.network).cut = Arc::default();
    }

    /// The same address leads to another server.
    pub fn lead_to(&self, folder: &Path) {
        lock(&self.network).socket = socket(folder);
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

fn lock(network: &Mutex<Network>) -> MutexGuard<'_, Network> {
    network.lock().unwrap()
}

/// Both directions of one connection. A server that is down ends it at once.
fn carry(client: TcpStream, socket: &Path, cut: &Arc<AtomicBool>) {
    if cut.load(Ordering::SeqCst) {
        return swallow(client);
    }
    let Ok(server) = UnixStream::connect(socket) else { return };
    let (client_again, server_again, cut_again) = (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(cut));
    std::thread::spawn(move || {
        if pump(server_again, client_again.try_clone().unwrap(), &cut_again) {
            let _ = client_again.shutdown(Shutdown::Both);
        }
    });
    let server_side = server.try_clone().unwrap();
    match pump(client, server, cut) {
        true => drop(server_side.shutdown(Shutdown::Both)),
        // The server must not hear that the client is gone.
        false => std::mem::forget(server_side),
    }
}

/// Until the end of the one side; true when the other is to hear of it.
fn pump(mut from: impl Read, mut to: impl Write, cut: &AtomicBool) -> bool {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !cut.load(Ordering::SeqCst) && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    !cut.load(Ordering::SeqCst)
}

fn swallow(client: TcpStream) {
    pump(client, std::io::sink(), &AtomicBool::new(true));
}
