//! What is counted, and under which names.

use serde::{Deserialize, Serialize};

/// Why a connection could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// Refused by the peer.
    Refused,
    /// Not answered in time.
    Timeout,
    /// No local port (or address) left.
    NoLocalPort,
    /// No file descriptor left, in this process or in the system.
    NoDescriptor,
    /// The TLS handshake failed.
    Tls,
    /// Anything else, also a connection that ended as soon as it was open, before it carried anything.
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
    /// Of those failed or in flight at the end, with an answer that had begun: a stream that never ends, say. Absent where there is none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub begun: u64,
    /// What an open loop counts beside them; absent in a closed one.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub open: Option<Intended>,
}

impl Requests {
    /// What counts towards a number of requests asked for: completed, failed or shed.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.completed + self.failed + self.open.map_or(0, |open| open.shed)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(count: &u64) -> bool {
    *count == 0
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
    /// The connection was reset before the answer was whole.
    pub reset: u64,
    /// The peer closed before the answer was whole.
    pub eof_mid_response: u64,
    /// No whole answer within the timeout.
    pub timeout: u64,
    /// The answer broke the protocol.
    pub protocol: u64,
    /// The answer was whole, and not the one expected (`--expect-status`, `--expect-body`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub check: u64,
    /// TLS failed on a connection that was open.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tls: u64,
    /// Any other error of the connection.
    pub other: u64,
}

impl Errors {
    /// True if there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.total() == 0
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.reset + self.eof_mid_response + self.timeout + self.protocol + self.check + self.tls + self.other
    }
}

/// Whole answers by the class of their status code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "each field is the class it is named for")]
pub struct Classes {
    #[serde(rename = "2xx", skip_serializing_if = "is_zero")]
    pub success: u64,
    #[serde(rename = "3xx", skip_serializing_if = "is_zero")]
    pub redirection: u64,
    #[serde(rename = "4xx", skip_serializing_if = "is_zero")]
    pub client_error: u64,
    #[serde(rename = "5xx", skip_serializing_if = "is_zero")]
    pub server_error: u64,
    /// Of no class above.
    #[serde(rename = "other", skip_serializing_if = "is_zero")]
    pub other: u64,
}

impl Classes {
    /// Of answers counted by code.
    pub fn of(codes: impl Iterator<Item = (u16, u64)>) -> Classes {
        let mut classes = Classes::default();
        for (code, count) in codes {
            *match code / 100 {
                2 => &mut classes.success,
                3 => &mut classes.redirection,
                4 => &mut classes.client_error,
                5 => &mut classes.server_error,
                _ => &mut classes.other,
            } += count;
        }
        classes
    }
}

/// Oddities around answers that were whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomalies {
    /// Connections that carried bytes after an answer that no request asked for.
    pub excess_bytes: u64,
    /// Resets after a whole answer.
    pub reset_after_response: u64,
    /// Orderly ends within 100 ms of a whole answer that had not announced them. Later, with nothing asked, a connection was idle:
    /// `connections.idle_closed`.
    pub close_unannounced: u64,
}

/// Failed attempts to connect, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectFailures {
    /// Nobody listens.
    pub refused: u64,
    /// No answer in time.
    pub timeout: u64,
    /// No free local port is left.
    pub no_local_port: u64,
    /// No file descriptor is left, in this process or in the system.
    #[serde(default)]
    pub no_descriptor: u64,
    /// The TLS handshake failed; `tls.handshakes.failed` has why.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tls: u64,
    /// Any other cause.
    pub other: u64,
}

impl ConnectFailures {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.refused + self.timeout + self.no_local_port + self.no_descriptor + self.tls + self.other
    }

    /// Those that failed for want of something of the client's own.
    #[must_use]
    pub fn of_the_client(&self) -> u64 {
        self.no_local_port + self.no_descriptor
    }

    /// Counts one.
    pub fn add(&mut self, failure: ConnectFailure) {
        *match failure {
            ConnectFailure::Refused => &mut self.refused,
            ConnectFailure::Timeout => &mut self.timeout,
            ConnectFailure::NoLocalPort => &mut self.no_local_port,
            ConnectFailure::NoDescriptor => &mut self.no_descriptor,
            ConnectFailure::Tls => &mut self.tls,
            ConnectFailure::Other => &mut self.other,
        } += 1;
    }
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
    pub failed: ConnectFailures,
    /// Ended by the peer, in order or not, while nothing was in flight on them: over 100 ms after their last answer or, before their
    /// first request, over 10 ms after they were opened. No failure.
    pub idle_closed: u64,
    /// Slots that were never tried before the window closed.
    pub not_begun: u64,
    /// Slots whose first connect was under way when the window closed.
    pub unfinished: u64,
}

/// Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Of requests.
    pub sent: u64,
    /// Of answers, heads and framing included.
    pub received: u64,
    /// Of bodies, framing left out; also of answers that had begun and did not end.
    pub body: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Adds every field of another one of the same kind, or takes it off; with `since` also tells how many more there are.
macro_rules! sums {
    (since $($kind:ident: $($field:ident),+;)+) => {
        sums! { $($kind: $($field),+;)+ }

        $(impl $kind {
            /// How many more of each there are than in `then`; 0 where they were counted anew since.
            #[must_use]
            pub fn since(&self, then: &$kind) -> $kind {
                $kind { $($field: self.$field.saturating_sub(then.$field)),+ }
            }
        })+
    };
    ($($kind:ident: $($field:ident),+;)+) => {
        $(impl std::ops::AddAssign for $kind {
            fn add_assign(&mut self, other: $kind) {
                $(self.$field += other.$field;)+
            }
        }

        impl std::ops::Sub for $kind {
            type Output = $kind;

            fn sub(self, other: $kind) -> $kind {
                $kind { $($field: self.$field - other.$field),+ }
            }
        })+
    };
}

sums! {
    Intended: intended, shed, unsent, sent_late;
    Classes: success, redirection, client_error, server_error, other;
    Anomalies: excess_bytes, reset_after_response, close_unannounced;
    Connections: established, answered, reconnects, failed, idle_closed, not_begun, unfinished;
    Bytes: sent, received, body;
}

sums! {
    since
    Errors: reset, eof_mid_response, timeout, protocol, check, tls, other;
    ConnectFailures: refused, timeout, no_local_port, no_descriptor, tls, other;
}

impl std::ops::AddAssign for Requests {
    fn add_assign(&mut self, other: Requests) {
        self.sent += other.sent;
        self.completed += other.completed;
        self.failed += other.failed;
        self.discarded += other.discarded;
        self.in_flight_at_end += other.in_flight_at_end;
        self.begun += other.begun;
        match (&mut self.open, other.open) {
            (Some(open), Some(other)) => *open += other,
            (open, other) => *open = open.or(other),
        }
    }
}
