//! Everything a worker counts; merged once, at the end.

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The connection was reset before the answer was whole.
    Reset,
    /// The peer closed before the answer was whole.
    EofMidResponse,
    /// No whole answer within the timeout.
    Timeout,
    /// The answer broke the protocol; the reason's index.
    Protocol(usize),
    /// Any other error of the connection.
    Other,
}

/// Why a connection could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// Refused by the peer.
    Refused,
    /// Not answered in time.
    Timeout,
    /// No local port (or address) left.
    NoLocalPort,
    /// Anything else, also a connection that ended before it carried anything.
    Other,
}

/// Requests by outcome. `sent = completed + failed + discarded + in flight`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Handed to the kernel.
    pub sent: u64,
    /// Answered whole.
    pub completed: u64,
    /// Without a whole answer: the sum of the errors.
    pub failed: u64,
    /// Given up behind an answer that ended its connection: the server owed nothing.
    pub discarded: u64,
    /// Not answered when the window closed; in open loop, not even when the drain was over.
    pub in_flight_at_end: u64,
    /// What an open loop counts beside them; absent in a closed one.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub open: Option<Intended>,
}

/// Requests of an open loop, by their intended instants. `intended = sent - discarded + shed + unsent`, always: a discarded
/// request goes back to wait with its intended instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intended {
    /// Due inside the window.
    pub intended: u64,
    /// Given up before they were sent, as they had waited longer than `--deadline`.
    pub shed: u64,
    /// Still waiting to be sent when the drain was over.
    pub unsent: u64,
    /// Sent after the window had closed: the client, or the server's free connections, could not keep up.
    pub sent_late: u64,
}

/// Failures by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// See [`Failure::Reset`].
    pub reset: u64,
    /// See [`Failure::EofMidResponse`].
    pub eof_mid_response: u64,
    /// See [`Failure::Timeout`].
    pub timeout: u64,
    /// See [`Failure::Protocol`].
    pub protocol: u64,
    /// See [`Failure::Other`].
    pub other: u64,
}

impl Errors {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.reset + self.eof_mid_response + self.timeout + self.protocol + self.other
    }
}

/// Oddities around answers that were whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomalies {
    /// Connections that carried bytes after an answer that no request asked for.
    pub excess_bytes: u64,
    /// Resets after a whole answer.
    pub reset_after_response: u64,
    /// Orderly ends after a whole answer that had not announced them.
    pub close_unannounced: u64,
}

/// Connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    /// Slots whose connection was opened at least once.
    pub established: u64,
    /// Slots that got at least one whole answer.
    pub answered: u64,
    /// Connections opened after the slot's first.
    pub reconnects: u64,
    /// Failed attempts.
    pub refused: u64,
    /// Failed attempts.
    pub timeout: u64,
    /// Failed attempts.
    pub no_local_port: u64,
    /// Failed attempts.
    pub other: u64,
}

/// Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Of requests.
    pub sent: u64,
    /// Of answers, heads and framing included.
    pub received: u64,
    /// Of bodies, framing left out.
    pub body: u64,
}

/// Latencies. Every completed response is one sample, in `single` or in `split`.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// Service time of answers that came whole in one read: their first byte came then too.
    pub single: Histogram,
    /// Service time of answers that took several reads.
    pub split: Histogram,
    /// Time to first byte of the latter.
    pub split_first: Histogram,
}

impl Latencies {
    fn new() -> Latencies {
        Latencies { single: Histogram::new(), split: Histogram::new(), split_first: Histogram::new() }
    }

    /// Moves all samples of `recent` here.
    pub fn absorb(&mut self, recent: &mut Latencies) {
        let pairs = [
            (&mut self.single, &mut recent.single),
            (&mut self.split, &mut recent.split),
            (&mut self.split_first, &mut recent.split_first),
        ];
        for (to, from) in pairs {
            if !from.is_empty() {
                to.merge(from);
                from.reset();
            }
        }
    }

    /// All service times.
    pub fn service(&self) -> Histogram {
        let mut all = self.single.clone();
        all.merge(&self.split);
        all
    }

    /// All times to first byte.
    pub fn first_byte(&self) -> Histogram {
        let mut all = self.single.clone();
        all.merge(&self.split_first);
        all
    }
}

/// How many reasons of protocol errors there may be.
pub const REASONS: usize = 64;

/// Everything one worker counted.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Requests by outcome.
    pub requests: Requests,
    /// Failures by kind.
    pub errors: Errors,
    /// Protocol failures by the reason's index.
    pub protocol_reasons: [u64; REASONS],
    /// Oddities.
    pub anomalies: Anomalies,
    /// Connections.
    pub connections: Connections,
    /// Bytes.
    pub bytes: Bytes,
    /// Completed responses by status code.
    pub status: Box<[u64; 1000]>,
    /// Samples moved out of `recent`.
    pub latencies: Latencies,
    /// Samples since the last [`settle`](Tally::settle).
    pub recent: Latencies,
    /// From the start of a connect to its end, ns.
    pub connect: Histogram,
    /// Responses per second of this worker, sampled every 100 ms.
    pub rates: Histogram,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally::new()
    }
}

impl Tally {
    /// Takes all the memory it will ever need.
    pub fn new() -> Tally {
        Tally {
            requests: Requests::default(),
            errors: Errors::default(),
            protocol_reasons: [0; REASONS],
            anomalies: Anomalies::default(),
            connections: Connections::default(),
            bytes: Bytes::default(),
            status: Box::new([0; 1000]),
            latencies: Latencies::new(),
            recent: Latencies::new(),
            connect: Histogram::new(),
            rates: Histogram::new(),
        }
    }

    /// Counts `count` failed requests.
    pub fn fail(&mut self, failure: Failure, count: u64) {
        self.requests.failed += count;
        let errors = &mut self.errors;
        match failure {
            Failure::Reset => errors.reset += count,
            Failure::EofMidResponse => errors.eof_mid_response += count,
            Failure::Timeout => errors.timeout += count,
            Failure::Other => errors.other += count,
            Failure::Protocol(reason) => {
                errors.protocol += count;
                self.protocol_reasons[reason.min(REASONS - 1)] += count;
            }
        }
    }

    /// Counts a failed attempt to connect.
    pub fn connect_failed(&mut self, failure: ConnectFailure) {
        let connections = &mut self.connections;
        match failure {
            ConnectFailure::Refused => connections.refused += 1,
            ConnectFailure::Timeout => connections.timeout += 1,
            ConnectFailure::NoLocalPort => connections.no_local_port += 1,
            ConnectFailure::Other => connections.other += 1,
        }
    }

    /// Moves recent samples to the rest.
    pub fn settle(&mut self) {
        self.latencies.absorb(&mut self.recent);
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &mut Tally) {
        self.settle();
        other.settle();
        self.latencies.absorb(&mut other.latencies);
        self.connect.merge(&other.connect);
        self.rates.merge(&other.rates);
        add(&mut self.status[..], &other.status[..]);
        add(&mut self.protocol_reasons, &other.protocol_reasons);
        macro_rules! sum {
            ($($part:ident: $($field:ident),+;)+) => { $($(self.$part.$field += other.$part.$field;)+)+ };
        }
        sum! {
            requests: sent, completed, failed, discarded, in_flight_at_end;
            errors: reset, eof_mid_response, timeout, protocol, other;
            anomalies: excess_bytes, reset_after_response, close_unannounced;
            connections: established, answered, reconnects, refused, timeout, no_local_port, other;
            bytes: sent, received, body;
        }
    }
}

fn add(to: &mut [u64], from: &[u64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_adds_every_field() {
        let mut one = Tally::new();
        one.requests = Requests { sent: 1, completed: 2, failed: 0, discarded: 4, in_flight_at_end: 5, open: None };
        one.anomalies = Anomalies { excess_bytes: 1, reset_after_response: 2, close_unannounced: 3 };
        one.connections = Connections {
            established: 1,
            answered: 2,
            reconnects: 3,
            refused: 4,
            timeout: 5,
            no_local_port: 6,
            other: 7,
        };
        one.bytes = Bytes { sent: 1, received: 2, body: 3 };
        one.status[200] = 9;
        for failure in [Failure::Reset, Failure::EofMidResponse, Failure::Timeout, Failure::Protocol(3), Failure::Other]
        {
            one.fail(failure, 2);
        }
        one.recent.single.record_n(1_000, 5);
        one.latencies.split.record_n(2_000, 1);
        one.connect.record_n(10, 1);
        let mut both = one.clone();
        both.merge(&mut one.clone());
        assert_eq!(
            both.requests,
            Requests { sent: 2, completed: 4, failed: 20, discarded: 8, in_flight_at_end: 10, open: None }
        );
        assert_eq!(both.errors, Errors { reset: 4, eof_mid_response: 4, timeout: 4, protocol: 4, other: 4 });
        assert_eq!(both.anomalies, Anomalies { excess_bytes: 2, reset_after_response: 4, close_unannounced: 6 });
        assert_eq!(both.connections.other, 14);
        assert_eq!(both.bytes, Bytes { sent: 2, received: 4, body: 6 });
        assert_eq!((both.status[200], both.protocol_reasons[3]), (18, 4));
        assert_eq!(both.latencies.service().count(), 12);
        assert_eq!(both.latencies.first_byte().count(), 10);
        assert_eq!(both.connect.count(), 2);
    }
}
