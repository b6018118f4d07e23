//! One connection as a state machine: events in, what to do next out. No socket, no clock.

use super::Job;
use super::flights::{Run, Window};
use super::samples::Samples;
use crate::measure::counters::{ConnectFailure, Failure};
use crate::measure::schedule::Schedule;
use crate::measure::stop::Stop;
use crate::measure::tally::Tally;
use crate::protocol::h1::response::{Answer, Heads, Parser, ProtocolError, Step};

/// A close, a reset or stray bytes this soon (ns) after a whole answer belong to that answer; later, the server has had the next
/// request in hand and failed it.
const BELONGS_TO_ANSWER_NS: u64 = 100_000_000;

/// How long (ns) the peer is left to end a connection it said it would end. Ending it ourselves would leave the closed
/// connection's port unusable for a minute on our side.
const GRACE_NS: u64 = 10_000_000;

/// A connection that ends before it carried a request was refused by whoever accepted it, if that is this soon (ns) or they said
/// something; later, the server closed what was idle.
const AT_ONCE_NS: u64 = 10_000_000;

/// The first and the longest pause (ns) before connecting again where the last connection carried no answer.
const BACK_OFF_NS: (u64, u64) = (10_000_000, 500_000_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// No connection; to be opened when its turn comes.
    Closed,
    Connecting,
    Open,
    /// The last answer was the last of this connection: waiting for the peer to end it.
    Ending,
    /// No connection; to be opened at `since`.
    BackingOff,
}

/// What the loop is to do after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// There may be free places.
    Ready,
    /// Close, and open again at once.
    Reopen,
    /// Close, and open again at this instant.
    ReopenAt(u64),
}

/// What a connection shares with its worker's others.
pub(super) struct Shared<'a> {
    pub(super) job: &'a Job,
    pub(super) heads: &'a mut Heads,
    pub(super) tally: &'a mut Tally,
    pub(super) schedule: &'a mut Schedule,
    pub(super) stop: &'a mut Stop,
}

/// A slot's connection.
pub(super) struct Connection {
    parser: Parser,
    pub(super) state: State,
    /// The address it goes to.
    pub(super) remote: u32,
    window: Window,
    pub(super) in_flight: u32,
    /// Since the connection was opened.
    pub(super) sent_here: u64,
    pub(super) answered_here: u64,
    /// Of any of the slot's connections; 0 before the first.
    pub(super) last_answer_at: u64,
    /// When the first byte of the answer under way came.
    first_byte_at: u64,
    /// When the state began; for backing off, when it ends.
    since: u64,
    /// Connections without an answer in a row.
    barren: u8,
    /// A send whose end will be reported is on its way.
    pub(super) confirming: bool,
    /// In the queue of connections with free places.
    pub(super) queued: bool,
    reset_seen: bool,
    excess_seen: bool,
    ever_open: bool,
    ever_answered: bool,
    /// Answers of the sample, on this and the slot's earlier connections.
    pub(super) completed: u64,
}

impl Connection {
    pub(super) fn new(remote: u32) -> Connection {
        Connection {
            parser: Parser::default(),
            state: State::Closed,
            remote,
            window: Window::default(),
            in_flight: 0,
            sent_here: 0,
            answered_here: 0,
            last_answer_at: 0,
            first_byte_at: 0,
            since: 0,
            barren: 0,
            confirming: false,
            queued: false,
            reset_seen: false,
            excess_seen: false,
            ever_open: false,
            ever_answered: false,
            completed: 0,
        }
    }

    /// How many requests may be added now.
    #[inline]
    pub(super) fn free(&self, job: &Job) -> u32 {
        if self.state != State::Open || self.confirming {
            return 0;
        }
        let free = job.pipeline - self.in_flight;
        match job.requests_per_connection {
            Some(limit) => u64::from(free).min(limit - self.sent_here) as u32,
            None => free,
        }
    }

    /// Notes `count` requests to be handed to the ring in one send; true when the last of them is to ask for the connection's end.
    #[inline]
    pub(super) fn sent(&mut self, count: u32, now: u64, runs: &mut [Run], shared: &mut Shared<'_>) -> bool {
        let Shared { job, tally, schedule, stop, .. } = shared;
        if schedule.is_open() {
            for _ in 0..count {
                let intended_at = schedule.take(now);
                self.window.push(intended_at, 1, runs);
                tally.count(intended_at, |requests| requests.sent += 1);
                let late = stop.is_past(now);
                tally.count_open(intended_at, |open| open.sent_late += u64::from(late));
            }
        } else {
            self.window.push(now, count, runs);
            tally.count(now, |requests| requests.sent += u64::from(count));
        }
        self.in_flight += count;
        self.sent_here += u64::from(count);
        job.requests_per_connection == Some(self.sent_here)
    }

    #[inline]
    pub(super) fn stamp(&self, sent_at: u64, runs: &mut [Run], tally: &mut Tally, open: bool) {
        self.window.stamp(sent_at, runs, |run| {
            if open && tally.samples(run.intended_at) {
                tally.recent.lag.record_n(sent_at.saturating_sub(run.intended_at), 1);
            }
        });
    }

    pub(super) fn connecting(&mut self, now: u64) {
        self.state = State::Connecting;
        self.since = now;
    }

    pub(super) fn connected(&mut self, now: u64, shared: &mut Shared<'_>) -> Next {
        let counts = &mut shared.tally.connections;
        match std::mem::replace(&mut self.ever_open, true) {
            false => counts.established += 1,
            true => counts.reconnects += 1,
        }
        shared.tally.connect.record_n(now - self.since, 1);
        self.state = State::Open;
        self.since = now;
        Next::Ready
    }

    pub(super) fn connect_failed(&mut self, failure: ConnectFailure, now: u64, shared: &mut Shared<'_>) -> Next {
        shared.tally.connect_failed(failure);
        self.remote = (self.remote + 1) % shared.job.remotes as u32;
        self.barren(now)
    }

    /// Bytes arrived at `now`.
    #[inline]
    pub(super) fn receive(&mut self, bytes: &[u8], now: u64, runs: &mut [Run], shared: &mut Shared<'_>) -> Next {
        shared.tally.bytes.received += bytes.len() as u64;
        let mut rest = bytes;
        let mut samples = Samples::default();
        let next = loop {
            if rest.is_empty() {
                break Next::Ready;
            }
            if self.in_flight == 0 {
                break self.unasked(rest, now, shared);
            }
            if self.parser.is_idle() {
                self.first_byte_at = now;
            }
            let (taken, step) = self.parser.feed(rest, shared.heads);
            rest = &rest[taken..];
            match step {
                Step::Partial => break Next::Ready,
                Step::Whole(answer) => {
                    let run = self.complete(&answer, now, runs, shared);
                    samples.add(run, self.first_byte_at, now, shared);
                    if !answer.keep_alive || shared.job.requests_per_connection == Some(self.answered_here) {
                        self.discard(runs, shared);
                        self.state = State::Ending;
                        self.since = now;
                    }
                }
                Step::Refused(error) => break self.refused(error, now, runs, shared),
            }
        };
        samples.flush(shared);
        match next {
            Next::Ready if self.state == State::Ending => Next::Nothing,
            next => next,
        }
    }

    /// Counts a whole answer to the oldest request and tells that one's instants.
    #[inline]
    fn complete(&mut self, answer: &Answer, now: u64, runs: &mut [Run], shared: &mut Shared<'_>) -> Run {
        let run = self.window.pop(runs);
        self.in_flight -= 1;
        self.answered_here += 1;
        self.last_answer_at = now;
        self.barren = 0;
        let tally = &mut *shared.tally;
        tally.inside += 1;
        if !self.ever_answered {
            self.ever_answered = true;
            tally.connections.answered += 1;
        }
        if let Some(segment) = tally.segment(now) {
            segment.inside += u64::from(now < segment.ends_at);
        }
        if tally.samples(run.intended_at) {
            self.completed += 1;
            tally.count(run.intended_at, |requests| requests.completed += 1);
            tally.bytes.body += answer.body_bytes;
            tally.status[usize::from(answer.status) % 1000] += 1;
        }
        run
    }

    /// Bytes while no request awaits an answer. Line ends may follow any answer, and mean nothing (RFC 9112, 9.2).
    #[cold]
    fn unasked(&mut self, bytes: &[u8], now: u64, shared: &mut Shared<'_>) -> Next {
        let rest = &bytes[self.parser.skip_line_ends(bytes)..];
        // A server of another protocol may speak first: the first request then fails under that protocol's name.
        if rest.is_empty() || self.sent_here == 0 && self.parser.meets_other_protocol(rest, shared.heads) {
            return Next::Ready;
        }
        self.excess(now, shared)
    }

    /// Bytes that no request asked for.
    fn excess(&mut self, now: u64, shared: &mut Shared<'_>) -> Next {
        if self.sent_here == 0 && shared.stop.is_spent() {
            // The run was over before this connection was needed; some servers speak first.
            return Next::Nothing;
        }
        if !std::mem::replace(&mut self.excess_seen, true) {
            shared.tally.anomalies.excess_bytes += 1;
        }
        match self.state {
            State::Ending => Next::Nothing,
            _ if self.answered_here > 0 => Next::Reopen,
            _ => self.barren(now),
        }
    }

    fn refused(&mut self, error: ProtocolError, now: u64, runs: &[Run], shared: &mut Shared<'_>) -> Next {
        let belongs = self.answered_here > 0 && now - self.last_answer_at <= BELONGS_TO_ANSWER_NS;
        if belongs && self.parser.refused_stray_bytes() {
            // Not a bad answer but bytes too many behind the last one.
            self.discard(runs, shared);
            return self.excess(now, shared);
        }
        self.fail(Failure::Protocol(error.index()), now, runs, shared)
    }

    /// The peer ended the connection: in order, or by an error.
    pub(super) fn end(&mut self, error: Option<Failure>, now: u64, runs: &mut [Run], shared: &mut Shared<'_>) -> Next {
        let error = error.or(self.reset_seen.then_some(Failure::Reset));
        if self.state == State::Ending {
            shared.tally.anomalies.reset_after_response += u64::from(error.is_some());
            return Next::Reopen;
        }
        if error.is_none() && self.in_flight > 0 {
            match self.parser.end(shared.heads) {
                Step::Whole(answer) => {
                    let mut samples = Samples::default();
                    let run = self.complete(&answer, now, runs, shared);
                    samples.add(run, self.first_byte_at, now, shared);
                    samples.flush(shared);
                    self.discard(runs, shared);
                    return Next::Reopen;
                }
                Step::Refused(error) => return self.refused(error, now, runs, shared),
                Step::Partial => {}
            }
        }
        let belongs = self.answered_here > 0 && now - self.last_answer_at <= BELONGS_TO_ANSWER_NS;
        if belongs && (self.in_flight == 0 || self.parser.is_idle()) {
            return self.ended_after_answer(error, runs, shared);
        }
        if self.in_flight == 0 {
            return self.ended_idle(now, shared);
        }
        self.fail(error.unwrap_or(Failure::EofMidResponse), now, runs, shared)
    }

    /// Nothing was asked, and no answer came just before.
    fn ended_idle(&mut self, now: u64, shared: &mut Shared<'_>) -> Next {
        let hung_up = now - self.since < AT_ONCE_NS || !self.parser.is_idle();
        if self.answered_here == 0 && hung_up {
            return self.connect_failed(ConnectFailure::Other, now, shared);
        }
        shared.tally.connections.idle_closed += 1;
        Next::Reopen
    }

    fn ended_after_answer(&mut self, error: Option<Failure>, runs: &[Run], shared: &mut Shared<'_>) -> Next {
        self.discard(runs, shared);
        let anomalies = &mut shared.tally.anomalies;
        match error {
            Some(_) => anomalies.reset_after_response += 1,
            None => anomalies.close_unannounced += 1,
        }
        Next::Reopen
    }

    /// A send failed. What the peer had said before is still to be read, so only the reason is kept.
    pub(super) fn send_failed(&mut self, failure: Failure) {
        self.reset_seen |= failure == Failure::Reset;
    }

    /// The instant at which it must be looked at.
    #[inline]
    pub(super) fn deadline(&self, job: &Job, runs: &[Run]) -> Option<u64> {
        match self.state {
            State::Closed => None,
            State::Connecting => Some(self.since + job.timeout_ns),
            State::Open => {
                // A send that is still under way after its answer may never end, and no other can begin.
                let stuck = || self.confirming.then_some(self.last_answer_at);
                let since = self.window.oldest(runs).or_else(stuck);
                since.map(|since| since.saturating_add(job.timeout_ns))
            }
            State::Ending => Some(self.since + GRACE_NS),
            State::BackingOff => Some(self.since),
        }
    }

    /// How much of the time up to its deadline the other side has.
    pub(super) fn patience_ns(&self, job: &Job) -> u64 {
        match self.state {
            State::Closed | State::BackingOff => 0,
            State::Connecting | State::Open => job.timeout_ns,
            State::Ending => GRACE_NS,
        }
    }

    /// Its deadline has passed.
    pub(super) fn expire(&mut self, now: u64, runs: &[Run], shared: &mut Shared<'_>) -> Next {
        match self.state {
            State::Closed => Next::Nothing,
            State::Connecting => self.connect_failed(ConnectFailure::Timeout, now, shared),
            State::Open => self.fail(Failure::Timeout, now, runs, shared),
            State::Ending | State::BackingOff => Next::Reopen,
        }
    }

    /// All that is in flight has failed: the first for the reason given, the rest with it, as their connection is gone.
    fn fail(&mut self, failure: Failure, now: u64, runs: &[Run], shared: &mut Shared<'_>) -> Next {
        // What a peer of another protocol had said before it was asked is the reason, however it ended.
        let failure = self.parser.refusal().map_or(failure, |error| Failure::Protocol(error.index()));
        let mut since = now;
        self.count_begun(runs, shared.tally);
        for run in self.window.youngest_first(runs) {
            shared.tally.fail(failure, run.intended_at, u64::from(run.count));
            since = run.intended_at;
        }
        shared.tally.missed(1, u64::from(self.in_flight), since);
        self.window.clear();
        self.in_flight = 0;
        if self.answered_here > 0 { Next::Reopen } else { self.barren(now) }
    }

    /// What is in flight was never owed an answer: in open loop it waits again.
    fn discard(&mut self, runs: &[Run], shared: &mut Shared<'_>) {
        for run in self.window.youngest_first(runs) {
            let count = u64::from(run.count);
            shared.tally.count(run.intended_at, |requests| requests.discarded += count);
            if shared.tally.samples(run.intended_at) {
                shared.stop.refund(count);
            }
            (0..count).for_each(|_| shared.schedule.give_back(run.intended_at));
        }
        self.window.clear();
        self.in_flight = 0;
    }

    /// The request that has waited longest for its answer.
    pub(super) fn oldest(&self, runs: &[Run]) -> Option<Run> {
        self.window.youngest_first(runs).last()
    }

    /// Counts what is in flight as unanswered at the end, and a slot that never got its connection.
    pub(super) fn count_at_end(&self, runs: &[Run], tally: &mut Tally) {
        match self.state {
            State::Closed if !self.ever_open && self.barren == 0 => tally.connections.not_begun += 1,
            State::Connecting if !self.ever_open => tally.connections.unfinished += 1,
            _ => {}
        }
        self.count_begun(runs, tally);
        for run in self.window.youngest_first(runs) {
            tally.count(run.intended_at, |requests| requests.in_flight_at_end += u64::from(run.count));
        }
    }

    /// Counts an answer that has begun and will not be whole, as of an endless stream: its first byte and its body so far are known.
    fn count_begun(&self, runs: &[Run], tally: &mut Tally) {
        let Some((oldest, body_bytes)) = self.oldest(runs).zip(self.parser.begun()) else { return };
        if tally.samples(oldest.intended_at) {
            tally.count(oldest.intended_at, |requests| requests.begun += 1);
            tally.recent.split_first.record_n(self.first_byte_at.saturating_sub(oldest.sent_at), 1);
            tally.bytes.body += body_bytes;
        }
    }

    fn barren(&mut self, now: u64) -> Next {
        let (first, longest) = BACK_OFF_NS;
        let pause = (first << self.barren.min(16)).min(longest);
        self.barren = self.barren.saturating_add(1);
        Next::ReopenAt(now + pause)
    }

    /// The connection is gone; `until` says when to connect again, if not at once.
    pub(super) fn closed(&mut self, until: Option<u64>, heads: &mut Heads) {
        debug_assert_eq!(self.in_flight, 0);
        self.parser.reset(heads);
        self.window.clear();
        self.sent_here = 0;
        self.answered_here = 0;
        self.confirming = false;
        self.reset_seen = false;
        self.excess_seen = false;
        (self.state, self.since) = match until {
            Some(until) => (State::BackingOff, until),
            None => (State::Closed, 0),
        };
    }

    /// For the loop's own end: forget what is in flight.
    pub(super) fn abandon(&mut self) {
        self.in_flight = 0;
    }
}
