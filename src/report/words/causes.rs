//! Why requests and connects failed: one name for each cause.

use std::fmt::{Display, Formatter, Result};

use super::{bracketed, counted, ranked, tenths};
use crate::judge::{Away, FailureCauses};
use crate::result::bad_answers::BadAnswers;
use crate::result::unanswered::Unanswered;
use crate::result::units::time_ns;
use crate::result::{ConnectFailures, CutShort, NoProgress};

/// As in `7 timed out, 5 refused`, the most frequent first; nothing where there is none.
impl Display for ConnectFailures {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&ranked([
            (self.refused, "refused"),
            (self.timeout, "timed out"),
            (self.no_local_port, "without a local port"),
            (self.no_descriptor, "without a file descriptor"),
            (self.tls, "by TLS"),
            (self.other, "failed otherwise"),
        ]))
    }
}

/// As in `50 reset, 19 protocol errors (http2: 19)`, the most frequent first; nothing where there is none.
impl Display for FailureCauses {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let errors = &self.errors;
        let reasons: Vec<String> = self.reasons.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        let broken = if errors.protocol == 1 { "protocol error" } else { "protocol errors" };
        // What a worker tried in vain is told without the timeout.
        let after = if self.timeout_ns > 0.0 { format!(" after {}", time_ns(self.timeout_ns)) } else { String::new() };
        f.write_str(&ranked([
            (errors.reset, "reset".to_owned()),
            (errors.eof_mid_response, "closed in mid-response".to_owned()),
            (errors.timeout, format!("timed out{after}")),
            (errors.protocol, format!("{broken}{}", bracketed(&reasons.join(", ")))),
            (errors.check, "not as expected".to_owned()),
            (errors.tls, "by TLS".to_owned()),
            (errors.other, "otherwise".to_owned()),
        ]))
    }
}

/// As in `12.5% errors (503: 120, 500: 3, failed: 2)`, the most frequent first.
impl Display for BadAnswers {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut codes: Vec<(u16, u64)> = self.status.iter().map(|(code, count)| (*code, *count)).collect();
        codes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut parts: Vec<String> = codes.iter().map(|(code, count)| format!("{code}: {count}")).collect();
        parts.extend((self.failed > 0).then(|| format!("failed: {}", self.failed)));
        write!(f, "{} errors ({})", tenths(self.share), parts.join(", "))
    }
}

/// As in `nothing was answered (300 requests: 64 timed out, 236 never sent)` or `12.5% not answered (25 timed out)`.
impl Display for Unanswered {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // Then connections were free only for requests that stayed without an answer.
        let unsent = match self.are_all() && self.connects.is_none() {
            true => "never sent as no connection was free",
            false => "never sent",
        };
        let counts = counted([
            (self.timed_out, "timed out"),
            (self.broken_off, "broken off"),
            (self.failed_otherwise, "failed otherwise"),
            (self.waiting, "still waiting at the end"),
            (self.unsent, unsent),
        ]);
        let begun = (self.begun > 0).then(|| format!("answers begun and not ended: {}", self.begun));
        let connects = self.connects.as_ref().map(|connects| format!("no connection: {connects}"));
        let counts = Some(counts).filter(|counts| !counts.is_empty());
        let causes = counts.into_iter().chain(begun).chain(connects).collect::<Vec<String>>().join(", ");
        if !self.are_all() {
            let share = self.count() as f64 / self.of as f64;
            return write!(f, "{} not answered ({causes})", tenths(share));
        }
        let requests = if self.of == 1 { "request" } else { "requests" };
        let colon = if causes.is_empty() { "" } else { ": " };
        write!(f, "nothing was answered ({} {requests}{colon}{causes})", self.of)
    }
}

impl Display for Away {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let connects = |failed: &ConnectFailures| {
            let by_the_target = ConnectFailures { no_local_port: 0, no_descriptor: 0, ..*failed };
            let words = by_the_target.to_string();
            if words.is_empty() { words } else { format!(" (connects: {words})") }
        };
        match self {
            Away::NobodyThere { address, failed } => {
                write!(f, "nobody is there at {address}{}: does the server run?", connects(failed))
            }
            Away::WentAway { address, failed, last_answer_s, of_s } => {
                let when = last_answer_s.map_or_else(String::new, |at| {
                    let (at, window) = (time_ns(at * 1e9), time_ns(of_s * 1e9));
                    format!(", its last answer came {at} into a window of {window}")
                });
                write!(f, "{address} went away{when}{}", connects(failed))
            }
        }
    }
}

impl Display for CutShort {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            CutShort::NoConnection => f.write_str("no connection could be opened"),
            CutShort::NoProgress(tried) => tried.fmt(f),
            CutShort::RingFailed(error) => write!(f, "the ring failed: {error}"),
            CutShort::Failed(why) => f.write_str(why),
        }
    }
}

impl Display for NoProgress {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let requests = |count: u64| format!("{count} {}", if count == 1 { "request" } else { "requests" });
        let failed = FailureCauses { errors: self.failed, ..FailureCauses::default() }.to_string();
        let mut parts = Vec::new();
        match self.sent {
            0 if self.in_flight > 0 => parts.push(format!("{} in flight and not answered", requests(self.in_flight))),
            0 => {}
            sent => parts.push(format!("{} sent and none answered{}", requests(sent), bracketed(&failed))),
        }
        if self.connects.total() > 0 {
            parts.push(format!("connections not opened ({})", self.connects));
        }
        if parts.is_empty() {
            parts.push("nothing could be sent".into());
        }
        let (ns, second) = (self.for_ns as f64, 1e9);
        let span = if ns >= second { format!("{} s", ns / second) } else { format!("{} ms", ns / 1e6) };
        write!(f, "no progress for {span}: {}", parts.join(", "))
    }
}
