//! A server that does to each connection what a test says, and counts what it read and wrote.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use saturing::result::RunResult;
use socket2::SockRef;

use super::process::PATIENCE;

/// What a server counted, on its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Connections accepted.
    pub(crate) connections: u64,
    /// Requests read to their ends.
    pub(crate) requests: u64,
    /// Answers written to their ends.
    pub(crate) answers: u64,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    connections: AtomicU64,
    requests: AtomicU64,
    answers: AtomicU64,
    last_request: Mutex<String>,
}

/// A running server; dropping it stops it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// Listens on loopback, on a free port.
pub(crate) fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

/// Serves on a free port; `script` is run for each connection, on a thread of its own.
pub(crate) fn serve(script: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static) -> Server {
    Server::start(listen(), Duration::ZERO, script)
}

impl Server {
    /// As [`serve`], on a given listener, with a pause before each accept.
    pub(crate) fn start(
        listener: TcpListener,
        pause: Duration,
        script: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
    ) -> Server {
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared::default());
        let (here, script) = (Arc::clone(&shared), Arc::new(script));
        let acceptor = thread::spawn(move || {
            let mut peers = Vec::new();
            loop {
                thread::sleep(pause);
                let (stream, _) = listener.accept().expect("a connection");
                if here.stop.load(SeqCst) {
                    break;
                }
                here.connections.fetch_add(1, SeqCst);
                let (shared, script) = (Arc::clone(&here), Arc::clone(&script));
                peers.push(thread::spawn(move || {
                    let mut peer = Peer::new(stream, shared);
                    // That a client is gone is for the counts to tell, not an error.
                    let _ = script(&mut peer);
                }));
            }
            drop(listener);
            for peer in peers {
                peer.join().expect("a script does not panic");
            }
        });
        Server { address, shared, acceptor: Some(acceptor) }
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> Counts {
        let Shared { connections, requests, answers, .. } = &*self.shared;
        Counts { connections: connections.load(SeqCst), requests: requests.load(SeqCst), answers: answers.load(SeqCst) }
    }

    /// The last request read, head and body.
    pub(crate) fn last_request(&self) -> String {
        self.shared.last_request.lock().expect("no panic").clone()
    }

    /// Waits until every script is done, which the clients must have seen to, and gives the final counts.
    pub(crate) fn stop(mut self) -> Counts {
        self.halt();
        self.counts()
    }

    fn halt(&mut self) {
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        self.shared.stop.store(true, SeqCst);
        // Only wakes the acceptor. An error means that it has panicked, which `join` tells.
        let _ = TcpStream::connect(self.address);
        let ended = acceptor.join();
        assert!(ended.is_ok() || thread::panicking(), "the server failed");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.halt();
    }
}

/// One connection, in the hands of a script.
pub(crate) struct Peer {
    stream: TcpStream,
    read: Vec<u8>,
    shared: Arc<Shared>,
    /// The last request read was to be the connection's last.
    pub(crate) asked_to_close: bool,
    /// The last request read, head and body.
    pub(crate) last: String,
}

impl Peer {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Peer {
        stream.set_nodelay(true).expect("a socket");
        // Nothing hangs for ever, whatever the client does.
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Peer { stream, read: Vec::new(), shared, asked_to_close: false, last: String::new() }
    }

    /// Reads and counts one request with its body; false: the client sends no more.
    pub(crate) fn request(&mut self) -> io::Result<bool> {
        let head = loop {
            if let Some(at) = memchr::memmem::find(&self.read, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more()? {
                return Ok(false);
            }
        };
        let text = String::from_utf8_lossy(&self.read[..head]).to_ascii_lowercase();
        self.asked_to_close = text.contains("\r\nconnection: close\r\n");
        let whole = head + content_length(&text);
        while self.read.len() < whole {
            if !self.more()? {
                return Ok(false);
            }
        }
        let request: Vec<u8> = self.read.drain(..whole).collect();
        self.last = String::from_utf8_lossy(&request).into_owned();
        self.shared.last_request.lock().expect("no panic").clone_from(&self.last);
        self.shared.requests.fetch_add(1, SeqCst);
        Ok(true)
    }

    fn more(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 16 * 1024];
        let got = self.stream.read(&mut bytes)?;
        self.read.extend_from_slice(&bytes[..got]);
        Ok(got > 0)
    }

    /// Writes bytes that are no whole answer.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes and counts what completes an answer.
    pub(crate) fn answer(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes)?;
        self.count_answer();
        Ok(())
    }

    /// Counts an answer that ends otherwise.
    pub(crate) fn count_answer(&mut self) {
        self.shared.answers.fetch_add(1, SeqCst);
    }

    /// What is written from now on goes out together with the end of the connection: nobody is kept from the CPU between the two.
    pub(crate) fn will_end(&mut self) -> io::Result<()> {
        SockRef::from(&self.stream).set_tcp_cork(true)
    }

    /// Has its close send a reset.
    pub(crate) fn will_reset(&mut self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }

    /// Says that nothing more will be sent; reading goes on.
    pub(crate) fn half_close(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Reads what else comes, without counting it, until the client ends the connection.
    pub(crate) fn await_end(&mut self) -> io::Result<()> {
        while self.more()? {
            self.read.clear();
        }
        Ok(())
    }

    /// Ends the connection in good order: what the client still sends causes no reset.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.half_close()?;
        self.await_end()
    }

    /// The number of this request among all that the server has read.
    pub(crate) fn requests_so_far(&self) -> u64 {
        self.shared.requests.load(SeqCst)
    }
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.map_or(0, |digits| digits.trim().parse().expect("a length"))
}

/// Both sides saw the same, in a run that ends by its count: then nothing is in flight at the end, and the requests that
/// the server did not read are those that it never owed an answer.
pub(crate) fn agree(result: &RunResult, counts: Counts) {
    let requests = result.requests;
    assert_eq!(requests.in_flight_at_end, 0);
    assert_eq!(requests.sent - requests.discarded, counts.requests, "{requests:?} and {counts:?}");
    assert_eq!(requests.completed, counts.answers, "{requests:?} and {counts:?}");
    let connections = result.connections;
    let opened = connections.established + connections.reconnects;
    // One that was opened when the last answer came may end before the server has accepted it.
    assert!(opened >= counts.connections, "{connections:?} and {counts:?}");
}
