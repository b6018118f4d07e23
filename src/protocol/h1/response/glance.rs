//! A look at the bodies of a few answers of status 400: whether they say that their port is for TLS.
//!
//! A server behind TLS may answer plain HTTP in plain HTTP. Only its body tells that from any other refusal, and bodies
//! are not kept: so the first of such answers are looked at, one at a time, whichever connection they come on.

use memchr::memmem;

/// What servers say: nginx; Go, and those written in it; Apache; Tomcat.
const SAYINGS: [&str; 4] = [
    "The plain HTTP request was sent to HTTPS port",
    "Client sent an HTTP request to an HTTPS server",
    "speaking plain HTTP to an SSL-enabled server port",
    "This combination of host and port requires TLS",
];
/// Bytes of a body that are looked at, its framing included.
const MOST_BYTES: usize = 1024;
/// Answers that are looked at.
const MOST_LOOKS: u8 = 8;

/// At most one body under observation.
#[derive(Debug)]
pub(super) struct Glance {
    bytes: Vec<u8>,
    busy: bool,
    looks: u8,
    saw_tls_port: bool,
}

impl Glance {
    pub(super) fn new() -> Glance {
        Glance { bytes: Vec::with_capacity(MOST_BYTES), busy: false, looks: 0, saw_tls_port: false }
    }

    /// A body begins; true if it is the one to be looked at, whose bytes and end are then to be told.
    pub(super) fn begins(&mut self, status: u16) -> bool {
        if status != 400 || self.busy || self.looks == MOST_LOOKS {
            return false;
        }
        self.busy = true;
        self.looks += 1;
        true
    }

    pub(super) fn add(&mut self, body: &[u8]) {
        let room = MOST_BYTES - self.bytes.len();
        self.bytes.extend_from_slice(&body[..body.len().min(room)]);
    }

    /// The body is over, whole or not.
    pub(super) fn ends(&mut self) {
        self.saw_tls_port |= SAYINGS.iter().any(|saying| memmem::find(&self.bytes, saying.as_bytes()).is_some());
        self.bytes.clear();
        self.busy = false;
    }

    pub(super) fn saw_tls_port(&self) -> bool {
        self.saw_tls_port
    }
}
