//! One connection: what its protocol says has happened, and what that means. No socket, no clock.

use super::Job;
use super::checks::BodySoFar;
use super::in_flight::{Batch, InFlight};
use super::samples::Samples;
use super::shared::Shared;
use super::stats::WorkerStats;
use crate::measure::counters::ConnectFailure;
use crate::protocol::tls::Handshaken;
use crate::protocol::{Answer, Event, Failure, Out, Protocol, ProtocolError, TlsFault};
use crate::workload::{Sent, Workload};

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
    /// There is a connection, on which both sides have yet to agree.
    ShakingHands,
    Open,
    /// Open, and too many: no more requests, and closed when nothing is in flight.
    Surplus,
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

/// Why a protocol tells no more.
enum Over {
    Refused(ProtocolError, bool),
    Broken(Failure),
    Closed,
}

/// A slot's connection.
pub(super) struct Connection<P> {
    pub(super) protocol: P,
    pub(super) policy: Policy,
}

/// What becomes of a slot's connection and of the requests on it.
pub(super) struct Policy {
    pub(super) state: State,
    /// The address it goes to.
    pub(super) remote: u32,
    in_flight_batches: InFlight,
    pub(super) in_flight: u32,
    /// Since the connection was opened.
    pub(super) sent_here: u64,
    pub(super) answered_here: u64,
    /// Of any of the slot's connections; 0 before the first.
    pub(super) last_answer_at: u64,
    /// When the first byte of the answer under way came; 0 before it.
    first_byte_at: u64,
    /// When the state began; for backing off, when it ends; 0 for one that ends at once.
    since: u64,
    /// Connections without an answer in a row.
    barren: u8,
    /// A send whose end will be reported is on its way.
    pub(super) confirming: bool,
    /// In the queue of connections with free places.
    pub(super) queued: bool,
    /// What the protocol said by itself and waits for its send.
    pub(super) unsent: Vec<u8>,
    reset_seen: bool,
    excess_seen: bool,
    ever_open: bool,
    ever_answered: bool,
    /// Whole answers of the sample, right or not, on this and the slot's earlier connections.
    pub(super) completed: u64,
    /// What came of the answer under way, where answers are checked.
    body: Option<Box<BodySoFar>>,
}

impl<P: Protocol> Connection<P> {
    pub(super) fn new(remote: u32, job: &Job) -> Connection<P> {
        let body = job.checks.any().then(|| Box::new(BodySoFar::new()));
        Connection { protocol: P::new(job.layout.groups()), policy: Policy { body, ..Policy::new(remote) } }
    }

    /// How many requests may be added now.
    #[inline]
    pub(super) fn free(&self, job: &Job) -> u32 {
        self.policy.free(job).min(self.protocol.free())
    }

    /// Puts up to `count` requests of a list, of which the last closes the connection if so it is said; tells how many there was
    /// room for in this send.
    #[inline]
    pub(super) fn put_mix(
        &mut self,
        count: u32,
        closes: bool,
        now: u64,
        batches: &mut [Batch],
        shared: &mut Shared<'_>,
        out: &mut impl Out,
    ) -> u32 {
        for put in 0..count {
            let Workload::Mix(mix) = &mut shared.workload else { return put };
            let entry = mix.take();
            let asked = mix.asked(entry);
            let bytes = mix.put(entry, closes && put + 1 == count, put == 0, now);
            if !self.protocol.request(asked, 1, bytes, out) {
                mix.put_back(entry);
                return put;
            }
            let number = mix.drawn();
            let batch = Batch { entry, count: 1, kind: asked.kind, number, ..Batch::default() };
            self.policy.sent(batch, now, batches, shared);
        }
        count
    }

    pub(super) fn connected(
        &mut self,
        now: u64,
        shared: &mut Shared<'_>,
        wire: &mut P::Shared,
        out: &mut impl Out,
    ) -> Next {
        shared.stats.connect.record_n(now - self.policy.since, 1);
        self.protocol.connected(wire, out);
        if P::SHAKES_HANDS {
            (self.policy.state, self.policy.since) = (State::ShakingHands, now);
            return Next::Nothing;
        }
        self.policy.opened(now, shared);
        Next::Ready
    }

    /// Bytes arrived at `now`.
    #[inline]
    pub(super) fn receive(
        &mut self,
        bytes: &mut [u8],
        now: u64,
        batches: &mut [Batch],
        shared: &mut Shared<'_>,
        wire: &mut P::Shared,
        out: &mut impl Out,
    ) -> Next {
        shared.stats.bytes.received += bytes.len() as u64;
        let Connection { protocol, policy } = self;
        let mut samples = Samples::default();
        let mut next = if P::SHAKES_HANDS && policy.state == State::ShakingHands { Next::Nothing } else { Next::Ready };
        let mut over = None;
        protocol.receive(bytes, wire, out, &mut |event| match event {
            Event::Begun => policy.first_byte_at = now,
            Event::Body(piece) => policy.body_came(piece, batches, shared),
            Event::Done(answer) => policy.done(answer, now, batches, shared, &mut samples),
            rare => policy.rare(&rare, &mut next, &mut over, now, shared),
        });
        samples.flush(shared);
        if let Some(over) = over {
            next = self.over(over, now, batches, shared, wire);
        }
        if P::SHAKES_HANDS && self.policy.in_flight == 0 && self.protocol.is_worn_out() {
            return Next::Reopen;
        }
        match next {
            Next::Ready if self.policy.state != State::Ending => Next::Ready,
            Next::Ready if self.policy.since == 0 => Next::Reopen,
            Next::Ready => Next::Nothing,
            next => next,
        }
    }

    /// The protocol tells no more.
    #[cold]
    #[inline(never)]
    fn over(
        &mut self,
        over: Over,
        now: u64,
        batches: &mut [Batch],
        shared: &mut Shared<'_>,
        wire: &mut P::Shared,
    ) -> Next {
        match over {
            Over::Refused(error, stray) => self.refused(error, stray, now, batches, shared),
            Over::Broken(failure) => self.broken(failure, now, batches, shared),
            // Waiting for its end already: that comes right behind.
            Over::Closed if self.policy.state == State::Ending => Next::Ready,
            Over::Closed => self.end(None, now, batches, shared, wire),
        }
    }

    /// The peer ended the connection: in order, or by an error.
    pub(super) fn end(
        &mut self,
        error: Option<Failure>,
        now: u64,
        batches: &mut [Batch],
        shared: &mut Shared<'_>,
        wire: &mut P::Shared,
    ) -> Next {
        let Connection { protocol, policy } = self;
        let error = error.or(policy.reset_seen.then_some(Failure::Reset));
        if policy.state == State::Ending {
            shared.stats.anomalies.reset_after_response += u64::from(error.is_some());
            return Next::Reopen;
        }
        if policy.state == State::ShakingHands && error.is_some() {
            return self.broken(Failure::Tls(TlsFault::Closed), now, batches, shared);
        }
        if error.is_none() {
            let (mut samples, mut done, mut over) = (Samples::default(), false, None);
            protocol.end(wire, &mut |event| match event {
                Event::Done(answer) => {
                    policy.done(answer, now, batches, shared, &mut samples);
                    done = true;
                }
                Event::Refused { error, stray } => over = Some(Over::Refused(error, stray)),
                Event::Broken(failure) => over = Some(Over::Broken(failure)),
                _ => {}
            });
            samples.flush(shared);
            match over {
                Some(Over::Refused(error, stray)) => return self.refused(error, stray, now, batches, shared),
                Some(Over::Broken(failure)) => return self.broken(failure, now, batches, shared),
                Some(Over::Closed) | None if done => return Next::Reopen,
                Some(Over::Closed) | None => {}
            }
        }
        let (idle, policy) = (self.protocol.is_idle(), &mut self.policy);
        if policy.belongs_to_answer(now, shared) && (policy.in_flight == 0 || idle) {
            return policy.ended_after_answer(error, batches, shared);
        }
        if policy.in_flight == 0 {
            return policy.ended_idle(idle, now, shared);
        }
        self.fail(error.unwrap_or(Failure::EofMidResponse), now, batches, shared)
    }

    /// The protocol cannot go on: the connection could not be opened, or what is in flight has failed.
    #[cold]
    fn broken(&mut self, failure: Failure, now: u64, batches: &[Batch], shared: &mut Shared<'_>) -> Next {
        if let Some((tls, Failure::Tls(fault))) = shared.stats.tls.as_mut().map(|tls| (tls, failure)) {
            tls.failed(fault);
        }
        let opens = self.policy.state == State::ShakingHands;
        if opens || (self.policy.in_flight == 0 && self.policy.answered_here == 0) {
            return self.policy.connect_failed(ConnectFailure::Tls, now, shared);
        }
        self.fail(failure, now, batches, shared)
    }

    fn refused(
        &mut self,
        error: ProtocolError,
        stray: bool,
        now: u64,
        batches: &[Batch],
        shared: &mut Shared<'_>,
    ) -> Next {
        if stray && self.policy.belongs_to_answer(now, shared) {
            // Not a bad answer but bytes too many behind the last one.
            self.policy.discard(false, batches, shared);
            return self.policy.excess(now, shared);
        }
        self.fail(Failure::Protocol(error), now, batches, shared)
    }

    /// Its deadline has passed.
    pub(super) fn expire(&mut self, now: u64, batches: &[Batch], shared: &mut Shared<'_>) -> Next {
        match self.policy.state {
            State::Closed => Next::Nothing,
            State::Connecting => self.policy.connect_failed(ConnectFailure::Timeout, now, shared),
            State::ShakingHands => self.broken(Failure::Tls(TlsFault::Timeout), now, batches, shared),
            State::Open | State::Surplus => self.fail(Failure::Timeout, now, batches, shared),
            State::Ending | State::BackingOff => Next::Reopen,
        }
    }

    /// All that is in flight has failed: the first for the reason given, the rest with it, as their connection is gone.
    fn fail(&mut self, failure: Failure, now: u64, batches: &[Batch], shared: &mut Shared<'_>) -> Next {
        // What a peer of another protocol had said before it was asked is the reason, however it ended.
        let failure = self.protocol.refusal().map_or(failure, Failure::Protocol);
        self.count_begun(batches, shared);
        self.policy.fail(failure, now, batches, shared)
    }

    /// Counts what is in flight as unanswered at the end, and a slot that was to have a connection and never got it.
    pub(super) fn count_at_end(&self, is_wanted: bool, batches: &[Batch], shared: &mut Shared<'_>) {
        let (policy, connections) = (&self.policy, &mut shared.stats.connections);
        match policy.state {
            State::Closed if is_wanted && !policy.ever_open && policy.barren == 0 => connections.not_begun += 1,
            State::Connecting | State::ShakingHands if !policy.ever_open => connections.unfinished += 1,
            _ => {}
        }
        self.count_begun(batches, shared);
        for batch in policy.in_flight_batches.youngest_first(batches) {
            shared.count(&batch, batch.count, |requests| &mut requests.in_flight_at_end);
        }
    }

    /// Counts an answer that has begun and will not be whole, as of an endless stream: its first byte and its body so far are known.
    fn count_begun(&self, batches: &[Batch], shared: &mut Shared<'_>) {
        let Some((oldest, body_bytes)) = self.policy.oldest(batches).zip(self.protocol.begun()) else { return };
        if shared.stats.samples(oldest.intended_at) {
            shared.count(&oldest, 1, |requests| &mut requests.begun);
            let first_byte_ns = self.policy.first_byte_at.saturating_sub(oldest.sent_at);
            shared.stats.recent.split_first.record_n(first_byte_ns, 1);
            shared.stats.bytes.body += body_bytes;
        }
    }

    /// The connection is gone; `until` says when to connect again, if not at once.
    pub(super) fn closed(&mut self, until: Option<u64>, wire: &mut P::Shared) {
        self.protocol.reset(wire);
        self.policy.closed(until);
    }
}

impl Policy {
    fn new(remote: u32) -> Policy {
        Policy {
            state: State::Closed,
            remote,
            in_flight_batches: InFlight::default(),
            in_flight: 0,
            sent_here: 0,
            answered_here: 0,
            last_answer_at: 0,
            first_byte_at: 0,
            since: 0,
            barren: 0,
            confirming: false,
            queued: false,
            unsent: Vec::new(),
            reset_seen: false,
            excess_seen: false,
            ever_open: false,
            ever_answered: false,
            completed: 0,
            body: None,
        }
    }

    #[inline]
    fn free(&self, job: &Job) -> u32 {
        if self.state != State::Open || self.confirming {
            return 0;
        }
        let free = job.pipeline - self.in_flight;
        match job.requests_per_connection {
            Some(limit) => u64::from(free).min(limit - self.sent_here) as u32,
            None => free,
        }
    }

    /// Notes one group of requests that is handed to the ring; `batch` has their number and, in a list, which they are.
    #[inline]
    pub(super) fn sent(&mut self, batch: Batch, now: u64, batches: &mut [Batch], shared: &mut Shared<'_>) {
        let count = u32::from(batch.count);
        if shared.schedule.is_open() {
            for _ in 0..count {
                let intended_at = shared.schedule.take(now);
                let one = Batch { intended_at, count: 1, ..batch };
                self.in_flight_batches.push(one, batches);
                shared.count(&one, 1, |requests| &mut requests.sent);
                let late = shared.stop.is_past(now);
                shared.stats.count_open(intended_at, |open| open.sent_late += u64::from(late));
            }
        } else {
            let batch = Batch { intended_at: now, ..batch };
            self.in_flight_batches.push(batch, batches);
            shared.count(&batch, batch.count, |requests| &mut requests.sent);
        }
        self.in_flight += count;
        self.sent_here += u64::from(count);
    }

    #[inline]
    pub(super) fn stamp(&self, sent_at: u64, batches: &mut [Batch], stats: &mut WorkerStats, open: bool) {
        self.in_flight_batches.stamp(sent_at, batches, |batch| {
            if open && stats.samples(batch.intended_at) {
                stats.recent.lag.record_n(sent_at.saturating_sub(batch.intended_at), 1);
            }
        });
    }

    pub(super) fn connecting(&mut self, now: u64) {
        self.state = State::Connecting;
        self.since = now;
    }

    /// Puts what the protocol said by itself into a send, as far as there is room for it; whether that is all.
    pub(super) fn put_unsent(&mut self, out: &mut impl Out) -> bool {
        if self.unsent.is_empty() {
            return true;
        }
        if out.write(0).is_none() {
            return false;
        }
        let part = self.unsent.len().min(out.room());
        if let Some(space) = out.write(part) {
            space.copy_from_slice(&self.unsent[..part]);
            out.commit(part);
            self.unsent.drain(..part);
        }
        self.unsent.is_empty()
    }

    /// Both sides have agreed.
    #[cold]
    fn shook_hands(&mut self, how: Handshaken, now: u64, shared: &mut Shared<'_>) -> Next {
        if let Some(tls) = &mut shared.stats.tls {
            tls.finished(how, now - self.since);
        }
        self.opened(now, shared);
        Next::Ready
    }

    fn opened(&mut self, now: u64, shared: &mut Shared<'_>) {
        let counts = &mut shared.stats.connections;
        match std::mem::replace(&mut self.ever_open, true) {
            false => counts.established += 1,
            true => counts.reconnects += 1,
        }
        self.state = State::Open;
        self.since = now;
    }

    pub(super) fn connect_failed(&mut self, failure: ConnectFailure, now: u64, shared: &mut Shared<'_>) -> Next {
        shared.stats.connect_failed(failure);
        self.remote = (self.remote + 1) % shared.job.remotes as u32;
        self.barren(now)
    }

    /// The oldest request has its whole answer.
    #[inline]
    fn done(
        &mut self,
        answer: Answer,
        now: u64,
        batches: &mut [Batch],
        shared: &mut Shared<'_>,
        samples: &mut Samples,
    ) {
        let batch = self.answered(now, batches, shared);
        let first_byte_at = match std::mem::take(&mut self.first_byte_at) {
            0 => now,
            begun_at => begun_at,
        };
        if shared.plain || self.is_right(&answer, &batch, now, shared) {
            self.complete(&answer, &batch, now, shared);
            samples.add(batch, first_byte_at, now, shared);
        }
        let was_last = shared.job.requests_per_connection == Some(self.answered_here);
        if !answer.keep_alive || was_last {
            self.discard(true, batches, shared);
            self.state = State::Ending;
            // Nobody asked the server to end the connection: no reason to wait for it.
            let unasked = answer.keep_alive && !shared.job.layout.asks_to_close();
            self.since = if unasked || shared.job.resets { 0 } else { now };
        }
    }

    /// The oldest request has a whole answer, right or not; tells that one's instants.
    #[inline]
    fn answered(&mut self, now: u64, batches: &mut [Batch], shared: &mut Shared<'_>) -> Batch {
        let batch = self.in_flight_batches.pop(batches);
        self.in_flight -= 1;
        self.answered_here += 1;
        self.last_answer_at = now;
        self.barren = 0;
        if !self.ever_answered {
            self.ever_answered = true;
            shared.stats.connections.answered += 1;
        }
        self.completed += u64::from(shared.stats.samples(batch.intended_at));
        batch
    }

    /// Counts a whole answer that is right.
    #[inline]
    fn complete(&mut self, answer: &Answer, batch: &Batch, now: u64, shared: &mut Shared<'_>) {
        let stats = &mut shared.stats;
        stats.inside += 1;
        if let Some(segment) = stats.segment(now) {
            segment.inside += u64::from(now < segment.ends_at);
        }
        if stats.samples(batch.intended_at) {
            stats.bytes.body += answer.body_bytes;
            stats.status[usize::from(answer.status) % 1000] += 1;
            stats.count(batch.intended_at, |requests| requests.completed += 1);
        }
    }

    /// More of the body of the answer to the oldest request. Out of line, as are the other events that hardly any answer has: what is told
    /// of each answer must stay small enough to be part of the loop over a read's answers.
    #[inline(never)]
    fn body_came(&mut self, piece: &[u8], batches: &[Batch], shared: &Shared<'_>) {
        if let Some((oldest, body)) = self.oldest(batches).zip(self.body.as_mut()) {
            body.add(piece, shared.job.checks.of_entry(oldest.entry));
        }
    }

    /// Where there are kinds or checks: a whole answer is that expected, and is counted in its kind; or it has failed.
    #[inline(never)]
    fn is_right(&mut self, answer: &Answer, batch: &Batch, now: u64, shared: &mut Shared<'_>) -> bool {
        let right = self.is_as_expected(answer, batch, shared);
        if right {
            shared.stats.complete_kind(batch, answer, now);
            let expect = shared.job.checks.of_entry(batch.entry);
            if answer.status >= 400 && expect.is_some_and(|expect| !expect.status.is_empty()) {
                shared.stats.expect(batch, answer.status);
            }
        }
        right
    }

    /// Holds a whole answer against what its request expects; one that differs has failed.
    fn is_as_expected(&mut self, answer: &Answer, batch: &Batch, shared: &mut Shared<'_>) -> bool {
        let expect = shared.job.checks.of_entry(batch.entry);
        let Some(differing) = self.body.as_mut().and_then(|body| body.finish(answer, expect, batch.kind)) else {
            return true;
        };
        shared.fail(Failure::Check, &Batch { count: 1, ..*batch });
        if shared.stats.samples(batch.intended_at) {
            shared.stats.differing.add(differing);
        }
        false
    }

    /// What hardly any answer brings; out of line for the reason that [`body_came`](Policy::body_came) gives.
    #[cold]
    #[inline(never)]
    fn rare(&mut self, event: &Event<'_>, next: &mut Next, over: &mut Option<Over>, now: u64, shared: &mut Shared<'_>) {
        match *event {
            Event::Ready(how) => *next = self.shook_hands(how, now, shared),
            Event::Excess => *next = self.excess(now, shared),
            Event::Refused { error, stray } => *over = Some(Over::Refused(error, stray)),
            Event::Broken(failure) => *over = Some(Over::Broken(failure)),
            Event::Closed => *over = Some(Over::Closed),
            Event::Begun | Event::Body(_) | Event::Done(_) => {}
        }
    }

    /// Bytes that no request asked for.
    #[cold]
    fn excess(&mut self, now: u64, shared: &mut Shared<'_>) -> Next {
        if self.sent_here == 0 && shared.stop.is_spent() {
            // The run was over before this connection was needed; some servers speak first.
            return Next::Nothing;
        }
        if !std::mem::replace(&mut self.excess_seen, true) {
            shared.stats.anomalies.excess_bytes += 1;
        }
        match self.state {
            State::Ending => Next::Nothing,
            _ if self.answered_here > 0 => Next::Reopen,
            _ => self.barren(now),
        }
    }

    /// Whether what comes now belongs to the last answer: it may have come long before, while this process could not look.
    fn belongs_to_answer(&self, now: u64, shared: &Shared<'_>) -> bool {
        self.answered_here > 0 && shared.stalls.waited(self.last_answer_at, now) <= BELONGS_TO_ANSWER_NS
    }

    /// Nothing was asked, and no answer came just before. `silent`: the peer had said nothing.
    fn ended_idle(&mut self, silent: bool, now: u64, shared: &mut Shared<'_>) -> Next {
        let hung_up = shared.stalls.waited(self.since, now) < AT_ONCE_NS || !silent;
        if self.answered_here == 0 && hung_up {
            return self.connect_failed(ConnectFailure::Other, now, shared);
        }
        shared.stats.connections.idle_closed += 1;
        Next::Reopen
    }

    fn ended_after_answer(&mut self, error: Option<Failure>, batches: &[Batch], shared: &mut Shared<'_>) -> Next {
        self.discard(false, batches, shared);
        let anomalies = &mut shared.stats.anomalies;
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
    pub(super) fn deadline(&self, job: &Job, batches: &[Batch]) -> Option<u64> {
        match self.state {
            State::Closed => None,
            State::Connecting | State::ShakingHands => Some(self.since + job.timeout_ns),
            State::Open | State::Surplus => {
                // A send that is still under way after its answer may never end, and no other can begin.
                let stuck = || self.confirming.then_some(self.last_answer_at);
                let since = self.in_flight_batches.oldest(batches).or_else(stuck);
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
            State::Connecting | State::ShakingHands | State::Open | State::Surplus => job.timeout_ns,
            State::Ending => GRACE_NS,
        }
    }

    /// See [`Connection::fail`].
    fn fail(&mut self, failure: Failure, now: u64, batches: &[Batch], shared: &mut Shared<'_>) -> Next {
        let mut since = now;
        for batch in self.in_flight_batches.youngest_first(batches) {
            shared.fail(failure, &batch);
            since = batch.intended_at;
        }
        shared.stats.missed(1, u64::from(self.in_flight), since);
        self.forget();
        if self.answered_here > 0 { Next::Reopen } else { self.barren(now) }
    }

    /// What is in flight was never owed an answer: it is sent again, in open loop when its turn comes. `unread`: the server said that it reads nothing
    /// more. Else it may have read a request before it hung up, and must not see its number twice.
    fn discard(&mut self, unread: bool, batches: &[Batch], shared: &mut Shared<'_>) {
        for batch in self.in_flight_batches.youngest_first(batches) {
            let count = u64::from(batch.count);
            shared.count(&batch, batch.count, |requests| &mut requests.discarded);
            if shared.stats.samples(batch.intended_at) {
                shared.stop.refund(count);
            }
            (0..count).for_each(|_| shared.schedule.give_back(batch.intended_at));
            if let Workload::Mix(mix) = &mut shared.workload {
                let number = if unread { batch.number } else { u64::MAX };
                mix.give_back(Sent { entry: batch.entry, number });
            }
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.in_flight_batches.clear();
        self.in_flight = 0;
    }

    /// How many requests of a kind are in flight.
    pub(super) fn in_flight_of(&self, kind: u16, batches: &[Batch]) -> u64 {
        let of_kind = self.in_flight_batches.youngest_first(batches).filter(|batch| batch.kind == kind);
        of_kind.map(|batch| u64::from(batch.count)).sum()
    }

    /// The request that has waited longest for its answer.
    pub(super) fn oldest(&self, batches: &[Batch]) -> Option<Batch> {
        self.in_flight_batches.youngest_first(batches).last()
    }

    fn barren(&mut self, now: u64) -> Next {
        let (first, longest) = BACK_OFF_NS;
        let pause = (first << self.barren.min(16)).min(longest);
        self.barren = self.barren.saturating_add(1);
        Next::ReopenAt(now + pause)
    }

    fn closed(&mut self, until: Option<u64>) {
        debug_assert_eq!(self.in_flight, 0);
        self.in_flight_batches.clear();
        self.first_byte_at = 0;
        self.sent_here = 0;
        self.answered_here = 0;
        self.confirming = false;
        self.unsent.clear();
        self.reset_seen = false;
        self.excess_seen = false;
        if let Some(body) = &mut self.body {
            body.forget();
        }
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
