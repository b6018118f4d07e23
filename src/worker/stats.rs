//! Everything a worker measures; merged once, at the end.

use std::collections::BTreeMap;

use crate::measure::counters::{Anomalies, Bytes, ConnectFailure, Connections, Errors, Intended, Requests};
use crate::measure::histogram::Histogram;
use crate::protocol::{Answer, Failure, ProtocolError};
use crate::worker::checks::FirstDiffering;
use crate::worker::in_flight::Batch;

mod by_kind;
#[cfg(test)]
mod tests;
mod tls;

pub use by_kind::KindStats;
pub use tls::TlsStats;

/// Times of requests. Every completed response is one sample, in `single` or in `split`, and in open loop one in `response` too.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// Service time of answers that came whole in one read: their first byte came then too.
    pub single: Histogram,
    /// Service time of answers that took several reads.
    pub split: Histogram,
    /// Time to first byte of the latter.
    pub split_first: Histogram,
    /// Open loop: done - intended.
    pub response: Histogram,
    /// Open loop: sent - intended, of every request sent.
    pub lag: Histogram,
}

impl Latencies {
    fn new() -> Latencies {
        let [single, split, split_first, response, lag] = std::array::from_fn(|_| Histogram::new());
        Latencies { single, split, split_first, response, lag }
    }

    fn all(&mut self) -> [&mut Histogram; 5] {
        [&mut self.single, &mut self.split, &mut self.split_first, &mut self.response, &mut self.lag]
    }

    /// Moves all samples of `recent` here.
    pub fn absorb(&mut self, recent: &mut Latencies) {
        for (to, from) in self.all().into_iter().zip(recent.all()) {
            if !from.is_empty() {
                to.merge(from);
                from.reset();
            }
        }
    }

    /// True if there is no sample.
    pub fn is_empty(&self) -> bool {
        [&self.single, &self.split, &self.response, &self.lag].into_iter().all(Histogram::is_empty)
    }

    fn reset(&mut self) {
        self.all().into_iter().filter(|one| !one.is_empty()).for_each(Histogram::reset);
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

/// A stage of the rate: what was intended inside it.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its end, ns on the run's clock.
    pub ends_at: u64,
    /// Requests by outcome.
    pub requests: Requests,
    /// Answers that came inside it, whenever they were intended.
    pub inside: u64,
    /// Response times.
    pub response: Histogram,
}

impl Segment {
    /// An empty one.
    pub fn new(ends_at: u64) -> Segment {
        let requests = Requests { open: Some(Intended::default()), ..Requests::default() };
        Segment { ends_at, requests, inside: 0, response: Histogram::new() }
    }
}

/// Losses in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Misses {
    /// Answers before it.
    answers: u64,
    /// Connections that failed with requests on them or while they were opened, and requests never sent.
    pub events: u64,
    /// Requests lost.
    pub requests: u64,
    /// When the first of those was due, ns.
    pub since: Option<u64>,
}

/// Everything one worker measured.
#[derive(Debug, Clone)]
pub struct WorkerStats {
    /// Requests that were intended (in closed loop: sent) before this instant, ns, are none of the sample.
    pub sample_from: u64,
    /// Requests by outcome.
    pub requests: Requests,
    /// Answers that came inside the window, whenever they were intended.
    pub inside: u64,
    /// Failures by kind.
    pub errors: Errors,
    /// Protocol failures by the reason's index.
    pub protocol_reasons: [u64; ProtocolError::ALL.len()],
    /// Oddities.
    pub anomalies: Anomalies,
    /// An answer said that the port is for TLS.
    pub saw_tls_port: bool,
    /// Connections.
    pub connections: Connections,
    /// Bytes.
    pub bytes: Bytes,
    /// Completed responses by status code.
    pub status: Box<[u64; 1000]>,
    /// Of those, answers of status 400 and above that their requests expect.
    pub expected: BTreeMap<u16, u64>,
    /// Samples moved out of `recent`.
    pub latencies: Latencies,
    /// Samples since the last [`settle`](WorkerStats::settle).
    pub recent: Latencies,
    /// From the start of a connect to its end, ns.
    pub connect: Histogram,
    /// Responses per second of this worker, sampled every 100 ms.
    pub rates: Histogram,
    /// The stages of the rate, if there are several.
    pub segments: Vec<Segment>,
    /// What was missed since the last answer.
    pub misses: Misses,
    /// The kinds of requests, if there are several.
    pub kinds: Vec<KindStats>,
    /// The first answers that were not those expected.
    pub differing: FirstDiffering,
    /// What was counted of TLS, where it is spoken.
    pub tls: Option<Box<TlsStats>>,
}

impl Default for WorkerStats {
    fn default() -> WorkerStats {
        WorkerStats::new()
    }
}

impl WorkerStats {
    /// Takes all the memory it will ever need.
    pub fn new() -> WorkerStats {
        WorkerStats {
            sample_from: 0,
            requests: Requests::default(),
            inside: 0,
            errors: Errors::default(),
            protocol_reasons: [0; ProtocolError::ALL.len()],
            anomalies: Anomalies::default(),
            saw_tls_port: false,
            connections: Connections::default(),
            bytes: Bytes::default(),
            status: Box::new([0; 1000]),
            expected: BTreeMap::new(),
            latencies: Latencies::new(),
            recent: Latencies::new(),
            connect: Histogram::new(),
            rates: Histogram::new(),
            segments: Vec::new(),
            misses: Misses::default(),
            kinds: Vec::new(),
            differing: FirstDiffering::default(),
            tls: None,
        }
    }

    /// The warm-up is over: forgets all but which connections there are, and how long they took to open; where there is none, also why.
    /// Of `carried` requests in flight the answers are still to come and will count; `carried_of` says how many of a kind.
    pub fn begin(&mut self, carried: u64, carried_of: impl Fn(u16) -> u64) {
        self.requests =
            Requests { sent: carried, open: self.requests.open.map(|_| Intended::default()), ..Requests::default() };
        self.inside = 0;
        self.errors = Errors::default();
        self.protocol_reasons = [0; ProtocolError::ALL.len()];
        self.anomalies = Anomalies::default();
        let Connections { established, answered, .. } = self.connections;
        if established > 0 {
            self.connections = Connections { established, answered, ..Connections::default() };
            if let Some(tls) = &mut self.tls {
                tls.faults.fill(0);
            }
        }
        self.bytes = Bytes::default();
        self.status.fill(0);
        self.expected.clear();
        self.latencies.reset();
        self.recent.reset();
        self.rates.reset();
        self.misses = Misses::default();
        self.differing.clear();
        self.kinds.iter_mut().zip(0..).for_each(|(kind, index)| kind.begin(carried_of(index)));
    }

    /// Whole answers, right or not.
    pub fn heard(&self) -> u64 {
        self.inside + self.errors.check
    }

    /// Whether a request intended (in closed loop: sent) at this instant is one of the sample.
    #[inline]
    pub fn samples(&self, intended_at: u64) -> bool {
        intended_at >= self.sample_from
    }

    /// The stage that an instant lies in, if there are several; what comes after the last belongs to it.
    #[inline]
    pub fn segment(&mut self, at: u64) -> Option<&mut Segment> {
        let last = self.segments.len().checked_sub(1)?;
        let index = self.segments.partition_point(|segment| segment.ends_at <= at).min(last);
        self.segments.get_mut(index)
    }

    /// Counts requests intended at `intended_at` where `tell` says, in the whole and in their stage.
    #[inline]
    pub fn count(&mut self, intended_at: u64, tell: impl Fn(&mut Requests)) {
        if self.samples(intended_at) {
            tell(&mut self.requests);
            if let Some(segment) = self.segment(intended_at) {
                tell(&mut segment.requests);
            }
        }
    }

    /// The same where it is known of which kind they are.
    #[inline]
    pub fn count_kind(&mut self, kind: u16, intended_at: u64, tell: impl Fn(&mut Requests)) {
        self.count(intended_at, &tell);
        if let Some(kind) = self.kinds.get_mut(usize::from(kind))
            && intended_at >= self.sample_from
        {
            tell(&mut kind.requests);
        }
    }

    /// Counts a whole answer in its kind, if there are several.
    pub(super) fn complete_kind(&mut self, batch: &Batch, answer: &Answer, now: u64) {
        let samples = self.samples(batch.intended_at);
        if let Some(kind) = self.kinds.get_mut(usize::from(batch.kind)).filter(|_| samples) {
            kind.requests.completed += 1;
            kind.body_bytes += answer.body_bytes;
            kind.status[usize::from(answer.status) % 1000] += 1;
            kind.service.record_n(now.saturating_sub(batch.sent_at), 1);
            if let Some(response) = &mut kind.response {
                response.record_n(now.saturating_sub(batch.intended_at), 1);
            }
        }
    }

    /// Counts a whole answer of status 400 or above that its request expects.
    #[cold]
    pub(super) fn expect(&mut self, batch: &Batch, status: u16) {
        if self.samples(batch.intended_at) {
            *self.expected.entry(status).or_default() += 1;
            if let Some(kind) = self.kinds.get_mut(usize::from(batch.kind)) {
                *kind.expected.entry(status).or_default() += 1;
            }
        }
    }

    /// The same for what only an open loop counts.
    pub fn count_open(&mut self, intended_at: u64, tell: impl Fn(&mut Intended)) {
        self.count(intended_at, |requests| {
            if let Some(open) = &mut requests.open {
                tell(open);
            }
        });
    }

    /// Counts `count` failed requests of a kind intended at `intended_at`.
    pub fn fail(&mut self, failure: Failure, kind: u16, intended_at: u64, count: u64) {
        if !self.samples(intended_at) {
            return;
        }
        self.count_kind(kind, intended_at, |requests| requests.failed += count);
        count_failure(&mut self.errors, failure, count);
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            count_failure(&mut kind.errors, failure, count);
        }
        if let Failure::Protocol(reason) = failure {
            self.protocol_reasons[reason.index()] += count;
        }
    }

    /// Notes that `requests` requests, due since this instant at the earliest, are lost by so many events; an answer ends the row.
    pub fn missed(&mut self, events: u64, requests: u64, since: u64) {
        let heard = self.heard();
        let row = &mut self.misses;
        if row.answers != heard {
            *row = Misses { answers: heard, ..Misses::default() };
        }
        row.events += events;
        row.requests += requests;
        if requests > 0 {
            row.since = Some(row.since.map_or(since, |before| before.min(since)));
        }
    }

    /// What was missed since the last answer.
    pub fn missed_last(&self) -> Misses {
        if self.misses.answers == self.heard() { self.misses } else { Misses::default() }
    }

    /// Counts a failed attempt to connect.
    pub fn connect_failed(&mut self, failure: ConnectFailure) {
        self.missed(1, 0, 0);
        self.connections.failed.add(failure);
    }

    /// Moves recent samples to the rest.
    pub fn settle(&mut self) {
        self.latencies.absorb(&mut self.recent);
    }

    /// Adds what another worker measured; both have the same stages.
    pub fn merge(&mut self, other: &mut WorkerStats) {
        self.settle();
        other.settle();
        self.latencies.absorb(&mut other.latencies);
        self.connect.merge(&other.connect);
        self.rates.merge(&other.rates);
        add(&mut self.status[..], &other.status[..]);
        add_by_code(&mut self.expected, &other.expected);
        add(&mut self.protocol_reasons, &other.protocol_reasons);
        self.requests += other.requests;
        self.inside += other.inside;
        self.errors += other.errors;
        self.anomalies += other.anomalies;
        self.saw_tls_port |= other.saw_tls_port;
        self.connections += other.connections;
        self.bytes += other.bytes;
        self.differing.merge(&mut other.differing);
        match (&mut self.tls, other.tls.take()) {
            (Some(tls), Some(other)) => tls.merge(&other),
            (tls, other) => *tls = tls.take().or(other),
        }
        match self.kinds.is_empty() {
            true => self.kinds = std::mem::take(&mut other.kinds),
            false => self.kinds.iter_mut().zip(&other.kinds).for_each(|(kind, other)| kind.merge(other)),
        }
        if self.segments.is_empty() {
            self.segments = std::mem::take(&mut other.segments);
            return;
        }
        for (segment, other) in self.segments.iter_mut().zip(&other.segments) {
            segment.requests += other.requests;
            segment.inside += other.inside;
            segment.response.merge(&other.response);
        }
    }
}

fn count_failure(errors: &mut Errors, failure: Failure, count: u64) {
    *match failure {
        Failure::Reset => &mut errors.reset,
        Failure::EofMidResponse => &mut errors.eof_mid_response,
        Failure::Timeout => &mut errors.timeout,
        Failure::Protocol(_) => &mut errors.protocol,
        Failure::Check => &mut errors.check,
        Failure::Tls(_) => &mut errors.tls,
        Failure::Other => &mut errors.other,
    } += count;
}

fn add_by_code(to: &mut BTreeMap<u16, u64>, from: &BTreeMap<u16, u64>) {
    from.iter().for_each(|(code, count)| *to.entry(*code).or_default() += count);
}

fn add(to: &mut [u64], from: &[u64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}
