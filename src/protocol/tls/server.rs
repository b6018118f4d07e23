//! The server's side of TLS, for the built-in server: the same records, the other end of the handshake.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::kernel::KernelConnection;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};

use super::handshake::{Handshake, Progress, Said};
use super::traffic::{KEY_RECORDS, Opened, Traffic};
use crate::protocol::Out;

/// One accepted connection.
pub struct ServerTls {
    stage: Stage,
}

enum Stage {
    Handshake(Box<Handshake<UnbufferedServerConnection>>),
    Traffic(Box<Traffic<KernelConnection<ServerConnectionData>>>),
    Over,
}

/// What came of bytes that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// It goes on.
    More,
    /// The client sends nothing more.
    Closed,
    /// The connection cannot go on.
    Failed,
}

impl ServerTls {
    /// `None` if the configuration cannot be used.
    pub fn new(config: &Arc<ServerConfig>) -> Option<ServerTls> {
        let side = UnbufferedServerConnection::new(Arc::clone(config)).ok()?;
        Some(ServerTls { stage: Stage::Handshake(Box::new(Handshake::new(side))) })
    }

    /// Whether the handshake is finished.
    pub fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Traffic(_))
    }

    /// Bytes arrived. Their content goes behind `plain`, what is to be said to them behind `out`. Memory for records in parts comes from and
    /// goes to `spare`.
    pub fn receive(
        &mut self,
        bytes: &mut [u8],
        plain: &mut Vec<u8>,
        spare: &mut Vec<Vec<u8>>,
        out: &mut impl Out,
    ) -> Read {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Handshake(handshake) => {
                let mut said = Said::default();
                let progress = handshake.go_on(bytes, &mut said, |_| {});
                if let Some(space) = out.write(said.own.len()) {
                    space.copy_from_slice(&said.own);
                    out.commit(said.own.len());
                }
                match progress {
                    Progress::Waits(handshake) => {
                        self.stage = Stage::Handshake(handshake);
                        Read::More
                    }
                    Progress::Finished(mut finished) => {
                        plain.append(&mut said.content);
                        let mut rest = std::mem::take(&mut finished.rest);
                        self.stage = Stage::Traffic(Box::new(Traffic::new(*finished, KEY_RECORDS)));
                        self.receive(&mut rest, plain, spare, out)
                    }
                    Progress::Failed(_) => Read::Failed,
                }
            }
            Stage::Traffic(mut traffic) => {
                let read = traffic.read_all(bytes, plain, spare, out);
                if read != Read::Failed {
                    self.stage = Stage::Traffic(traffic);
                }
                read
            }
            Stage::Over => Read::Failed,
        }
    }

    /// Seals as much of `content` as there is room for; tells how much that is.
    pub fn send(&mut self, content: &[u8], out: &mut impl Out) -> usize {
        let Stage::Traffic(traffic) = &mut self.stage else { return 0 };
        let mut records = traffic.content(out);
        if records.write(0).is_none() {
            return 0;
        }
        let part = content.len().min(records.room());
        let Some(space) = records.write(part) else { return 0 };
        space.copy_from_slice(&content[..part]);
        records.commit(part);
        traffic.seal(out)
    }

    /// One record of any kind, for tests of what strange peers send.
    #[doc(hidden)]
    pub fn say(&mut self, kind: u8, content: &[u8], out: &mut impl Out) -> bool {
        let Stage::Traffic(traffic) = &mut self.stage else { return false };
        traffic.say(kind, content, out)
    }

    /// Goes on with a new key, of which nothing is said.
    #[doc(hidden)]
    pub fn renew_own(&mut self) {
        if let Stage::Traffic(traffic) = &mut self.stage {
            traffic.renew_silently();
        }
    }

    /// Says that nothing more is sent.
    pub fn goodbye(&mut self, out: &mut impl Out) {
        if let Stage::Traffic(traffic) = &mut self.stage {
            traffic.say_goodbye(out);
        }
    }
}

impl Traffic<KernelConnection<ServerConnectionData>> {
    fn read_all(
        &mut self,
        bytes: &mut [u8],
        plain: &mut Vec<u8>,
        spare: &mut Vec<Vec<u8>>,
        out: &mut impl Out,
    ) -> Read {
        let (mut at, mut whole) = (0, Vec::new());
        while at < bytes.len() {
            let Ok((taken, record)) = self.next_record(&mut bytes[at..], &mut whole, spare) else {
                return Read::Failed;
            };
            at += taken;
            let Some(record) = record else { break };
            match self.open(record, false, out) {
                Opened::Content(content) => plain.extend_from_slice(content),
                Opened::Control => {}
                Opened::Closed => return Read::Closed,
                Opened::Failed(_) => return Read::Failed,
            }
            if whole.capacity() > 0 {
                whole.clear();
                spare.push(std::mem::take(&mut whole));
            }
        }
        Read::More
    }
}
