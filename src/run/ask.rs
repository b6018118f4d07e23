//! One request, its answer kept whole: for those who check what a server says before they load it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::measure::clock::{Clock, Monotonic};
use crate::plan::Target;
use crate::protocol::h1::response::{Heads, Parser, Step, whole};

/// How long bytes behind an answer are awaited, where the connection ends with it.
const EXCESS: Duration = Duration::from_millis(200);
/// An answer longer than this is not looked at.
const LONGEST: usize = 64 << 20;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// 200 to 999.
    pub status: u16,
    /// The body, without a transfer coding's framing.
    pub body: Vec<u8>,
    /// What came behind the answer's end.
    pub excess: Vec<u8>,
    /// Bytes of the answer, head and body.
    pub length: usize,
}

/// Asks `target` once, on a connection of its own, and waits for the answer for at most `limit`. The request is the one that a
/// run would send, framed by the same parser.
///
/// # Errors
/// What went wrong, a sentence part: nobody listens, no whole answer in time, or none that is HTTP.
pub fn ask(target: &Target, limit: Duration) -> Result<Asked, String> {
    let ends_at = Monotonic.now() + u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    let address = target.addresses.first().ok_or("no address")?;
    let mut stream = connect(address, limit)?;
    let request = target.requests.entries.first().ok_or("no request")?;
    // A server may answer and close without reading: its answer counts, whatever becomes of the request.
    let sent = stream.write_all(target.requests.bytes_of(request, false));
    let mut answer = Answer::new(request.head_only);
    let mut buffer = [0; 16 << 10];
    loop {
        let left = Duration::from_nanos(ends_at.saturating_sub(Monotonic.now()));
        if left.is_zero() {
            return Err(format!("no whole answer within {limit:?}, {} bytes came", answer.bytes.len()));
        }
        stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        let read = stream.read(&mut buffer);
        let whole = match read {
            Ok(0) => answer.end()?,
            Ok(length) => answer.feed(&buffer[..length])?,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(sent.err().unwrap_or(error).to_string()),
        };
        if let Some((mut asked, keep_alive)) = whole {
            if !keep_alive {
                asked.excess.extend(rest(&mut stream));
            }
            return Ok(asked);
        }
    }
}

fn connect(address: &SocketAddr, limit: Duration) -> Result<TcpStream, String> {
    let stream = TcpStream::connect_timeout(address, limit).map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => format!("nobody listens on {address}"),
        _ => format!("{address}: {error}"),
    })?;
    stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(Some(limit))).map_err(|error| error.to_string())?;
    Ok(stream)
}

/// What else comes until the peer closes, or for a little while.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let (mut excess, mut buffer) = (Vec::new(), [0; 4096]);
    let timed = stream.set_read_timeout(Some(EXCESS)).is_ok();
    while let (true, Ok(length @ 1..)) = (timed && excess.len() < LONGEST, stream.read(&mut buffer)) {
        excess.extend_from_slice(&buffer[..length]);
    }
    excess
}

/// An answer as it comes.
struct Answer {
    parser: Parser,
    heads: Heads,
    bytes: Vec<u8>,
    /// How much of `bytes` the parser has had.
    fed: usize,
}

impl Answer {
    fn new(head_only: bool) -> Answer {
        Answer { parser: Parser::default(), heads: Heads::of_one(head_only), bytes: Vec::new(), fed: 0 }
    }

    fn feed(&mut self, read: &[u8]) -> Result<Option<(Asked, bool)>, String> {
        if self.bytes.len() + read.len() > LONGEST {
            return Err(format!("the answer is longer than {} MiB", LONGEST >> 20));
        }
        self.bytes.extend_from_slice(read);
        let (used, step) = self.parser.feed(&self.bytes[self.fed..], &mut self.heads);
        self.fed += used;
        self.whole(step)
    }

    /// The peer has closed its side.
    fn end(&mut self) -> Result<Option<(Asked, bool)>, String> {
        let step = self.parser.end(&mut self.heads);
        match self.whole(step)? {
            None => Err(format!("the connection was closed before the answer was whole, {} bytes came", self.fed)),
            whole => Ok(whole),
        }
    }

    fn whole(&self, step: Step) -> Result<Option<(Asked, bool)>, String> {
        match step {
            Step::Partial => Ok(None),
            Step::Refused(error) => Err(format!("the answer is no HTTP: {error}")),
            Step::Whole(answer) => {
                let (own, excess) = self.bytes.split_at(self.fed);
                let body =
                    whole::body(own, answer.body_bytes).ok_or("the answer's body cannot be told from its head")?;
                Ok(Some((
                    Asked { status: answer.status, body, excess: excess.to_vec(), length: own.len() },
                    answer.keep_alive,
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::plan::{RequestsSpec, TargetSpec, TlsOptions};

    /// What `ask` makes of a server that says `chunks`, one after the other, and closes; `reads`: it reads the request before.
    fn asked(chunks: &'static [&'static str], reads: bool) -> Result<Asked, String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            if reads {
                let _ = stream.read(&mut [0; 1000]);
            }
            for chunk in chunks {
                stream.write_all(chunk.as_bytes()).expect("sent");
                thread::sleep(Duration::from_millis(5));
            }
        });
        let spec = TargetSpec {
            urls: &[url],
            requests: &RequestsSpec::one("GET", &[], b""),
            unix_socket: None,
            sources: &[],
            tls: &TlsOptions::default(),
        };
        let target = Target::resolve(&spec, &mut Vec::new()).expect("a target");
        let answer = ask(&target, Duration::from_secs(5));
        server.join().expect("no panic");
        answer
    }

    #[test]
    fn answers_are_kept_whole() {
        let of = |status, body: &str, excess: &str, length| {
            Ok(Asked { status, body: body.into(), excess: excess.into(), length })
        };
        assert_eq!(asked(&["HTTP/1.0 200 OK\r\n\r\nPo", "ng!"], true), of(200, "Pong!", "", 24));
        // Unread, the request makes the close a reset.
        for reads in [true, false] {
            let wire = &["HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nPong!\r\n"];
            assert_eq!(asked(wire, reads), of(200, "Pong!", "\r\n", 43));
        }
        let chunked = &["HTTP/1.1 404 No\r\nTransfer-Encoding: chu", "nked\r\n\r\n2\r\nno\r\n0\r\n", "\r\n"];
        assert_eq!(asked(chunked, true), of(404, "no", "", 59));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert_eq!(
            asked(&["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"], true),
            Err("the connection was closed before the answer was whole, 43 bytes came".to_owned())
        );
        let told = asked(&["220 smtp\r\n"], true).expect_err("no HTTP");
        assert!(told.starts_with("the answer is no HTTP: "), "{told}");
    }
}
