//! What is counted of TLS.

use crate::measure::histogram::Histogram;
use crate::protocol::TlsFault;
use crate::protocol::tls::{Handshaken, TlsFacts};

/// Handshakes and faults of one worker, or of several.
#[derive(Debug, Clone)]
pub struct TlsStats {
    /// Handshakes made from the beginning.
    pub full: u64,
    /// Handshakes that went on with an earlier session.
    pub resumed: u64,
    /// Of both, those of which the server wanted another hello first.
    pub retried: u64,
    /// Connections that failed, before or behind their handshake, by the fault's index.
    pub faults: [u64; TlsFault::ALL.len()],
    /// From an open connection to a finished handshake, ns.
    pub handshake: Histogram,
    /// What was seen of it.
    pub facts: TlsFacts,
}

impl Default for TlsStats {
    fn default() -> TlsStats {
        TlsStats {
            full: 0,
            resumed: 0,
            retried: 0,
            faults: [0; TlsFault::ALL.len()],
            handshake: Histogram::new(),
            facts: TlsFacts::default(),
        }
    }
}

impl TlsStats {
    /// A handshake was finished after `took_ns`.
    pub fn finished(&mut self, how: Handshaken, took_ns: u64) {
        *if how.resumed { &mut self.resumed } else { &mut self.full } += 1;
        self.retried += u64::from(how.retried);
        self.handshake.record_n(took_ns, 1);
    }

    /// A connection failed.
    pub fn failed(&mut self, fault: TlsFault) {
        self.faults[fault.index()] += 1;
    }

    /// Adds another worker's.
    pub fn merge(&mut self, other: &TlsStats) {
        self.full += other.full;
        self.resumed += other.resumed;
        self.retried += other.retried;
        self.faults.iter_mut().zip(&other.faults).for_each(|(to, from)| *to += from);
        self.handshake.merge(&other.handshake);
        self.facts.merge(&other.facts);
    }
}
