//! The loop. One turn: see what is due, queue it, enter the kernel once, take what completed.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering::Relaxed;

use super::connection::{Connection, Next, Shared, State};
use super::deadlines::Deadlines;
use super::flights::Flights;
use super::sampler::Sampler;
use super::{Done, Halt, Job, Progress};
use crate::http::response::Heads;
use crate::measure::clock::Clock;
use crate::measure::counters::{ConnectFailure, Failure, Tally};
use crate::measure::stop::Stop;
use crate::ring::{Completion, Ring, Wait};

/// The longest wait, ns: a halt is seen this late at most.
const PATIENCE_NS: u64 = 20_000_000;

/// Connects on their way at a time, and begun per turn: neither a server's backlog nor the loop is flooded.
const CONNECTING_AT_ONCE: usize = 512;
const CONNECTS_PER_TURN: usize = 64;

/// Requests of one connection that fit any socket's send buffer whole, in bytes; more than that needs confirmed sends.
const UNCONFIRMED_BYTES: usize = 8 * 1024;

/// A counted run gives up when nothing could be sent for this long, ns.
const FORSAKEN_NS: u64 = 30_000_000_000;

struct Loop<'a, R, C> {
    job: &'a Job,
    ring: &'a mut R,
    clock: &'a C,
    progress: &'a Progress,
    stop: Stop,
    starts_at: u64,
    connections: Vec<Connection>,
    flights: Flights,
    heads: Heads,
    tally: Tally,
    deadlines: Deadlines,
    /// Connections with free places, the longest free first.
    ready: VecDeque<u32>,
    /// Slots to connect, in turn.
    to_open: VecDeque<u32>,
    /// Slots whose sends of this turn are not stamped yet.
    unstamped: Vec<u32>,
    confirm: bool,
    connecting: usize,
    open: u64,
    in_flight: u64,
    /// The last instant at which a request was seen in flight, or the start.
    last_busy_at: u64,
    sampler: Sampler,
}

/// Runs `job` to its end on `ring`; the window starts at `starts_at` on the run's clock. Never loses what was measured: whatever ends it early is named in the outcome.
pub fn work<R: Ring, C: Clock>(
    job: &Job,
    starts_at: u64,
    ring: &mut R,
    clock: &C,
    progress: &Progress,
    halt: &Halt,
) -> Done {
    let mut this = Loop::new(job, starts_at, ring, clock, progress);
    let cut_short = this.window(halt);
    let (mut tally, elapsed_ns) = this.close_window();
    let cut_short = cut_short.err().or_else(|| this.drain(halt).err().map(|error| lost(&error)));
    this.hang_up();
    tally.settle();
    Done { tally, elapsed_ns, ring: this.ring.counters(), cut_short }
}

fn lost(error: &io::Error) -> String {
    format!("the ring failed: {error}")
}

impl<'a, R: Ring, C: Clock> Loop<'a, R, C> {
    fn new(job: &'a Job, starts_at: u64, ring: &'a mut R, clock: &'a C, progress: &'a Progress) -> Self {
        let count = job.connections;
        let remote = |slot: usize| ((job.first_connection + slot) % job.remotes) as u32;
        Loop {
            job,
            ring,
            clock,
            progress,
            stop: Stop::new(job.duration_ns.map(|span| starts_at + span), job.requests),
            starts_at,
            connections: (0..count).map(|slot| Connection::new(remote(slot))).collect(),
            flights: Flights::new(count, job.pipeline),
            heads: Heads::new(job.head_request),
            tally: Tally::new(),
            deadlines: Deadlines::new(count, job.timeout_ns, starts_at),
            ready: VecDeque::with_capacity(count),
            to_open: (0..count as u32).collect(),
            unstamped: Vec::with_capacity(count),
            confirm: job.request_bytes.0 * job.pipeline as usize + job.request_bytes.1 > UNCONFIRMED_BYTES,
            connecting: 0,
            open: 0,
            in_flight: 0,
            last_busy_at: starts_at,
            sampler: Sampler::new(starts_at),
        }
    }

    /// Turns until the window closes. An error says why that was before its time.
    fn window(&mut self, halt: &Halt) -> Result<(), String> {
        let mut now = self.clock.now();
        while halt.load(Relaxed) == 0 && !(self.stop.is_spent() && self.in_flight == 0) {
            self.look_at_due(now);
            self.fill(now);
            let sent_at = self.clock.now();
            self.stamp(sent_at);
            self.ring.enter(1, self.wait(sent_at)).map_err(|error| lost(&error))?;
            now = self.clock.now();
            if self.stop.is_past(now) {
                break;
            }
            self.reap(now);
            if self.sampler.is_due(now) {
                self.sampler.sample(now, &mut self.tally, self.open, self.progress);
                self.forsaken(now)?;
            }
        }
        Ok(())
    }

    fn look_at_due(&mut self, now: u64) {
        while let Some(slot) = self.deadlines.due(now) {
            let runs = self.flights.of(slot);
            match self.connections[slot as usize].deadline(self.job, runs) {
                Some(at) if at <= now => self.event(slot, |connection, shared, _| connection.expire(now, shared)),
                Some(at) => self.deadlines.look_at(slot, at),
                None => {}
            }
        }
    }

    /// Queues what is due: requests first, as somebody waits for them, then connects.
    #[inline]
    fn fill(&mut self, now: u64) {
        while !self.ready.is_empty() && self.ring.room() > 0 && !self.stop.is_spent() {
            let Some(slot) = self.ready.pop_front() else {
                break;
            };
            self.connections[slot as usize].queued = false;
            self.send(slot);
        }
        let mut begun = 0;
        while begun < CONNECTS_PER_TURN
            && self.connecting < self.connects_wanted()
            && self.ring.room() > 0
            && let Some(slot) = self.to_open.pop_front()
        {
            begun += 1;
            self.connect(slot, now);
        }
    }

    /// How many connects may be on their way: no more than there are requests left for them to carry.
    fn connects_wanted(&self) -> usize {
        let left = usize::try_from(self.stop.left()).unwrap_or(usize::MAX);
        left.min(CONNECTING_AT_ONCE)
    }

    #[inline]
    fn send(&mut self, slot: u32) {
        let connection = &mut self.connections[slot as usize];
        let free = connection.free(self.job);
        let count = self.stop.claim(free);
        if count == 0 {
            return;
        }
        let closes = connection.sent(count, self.job, self.flights.of(slot));
        let (plain, closing) = self.job.request_bytes;
        let end = plain * self.job.pipeline as usize;
        let range = match closes {
            false => 0..plain * count as usize,
            true => end - plain * (count as usize - 1)..end + closing,
        };
        self.tally.requests.sent += u64::from(count);
        self.tally.bytes.sent += range.len() as u64;
        self.in_flight += u64::from(count);
        connection.confirming = self.confirm;
        self.ring.send(slot, range, self.confirm);
        self.unstamped.push(slot);
    }

    fn connect(&mut self, slot: u32, now: u64) {
        let connection = &mut self.connections[slot as usize];
        let remote = connection.remote as usize;
        connection.connecting(now);
        self.connecting += 1;
        match self.ring.connect(slot, remote) {
            Ok(()) => self.deadlines.look_at(slot, now + self.job.timeout_ns),
            Err(error) => self.connect_failed(slot, &error, now),
        }
    }

    /// One clock read just before the enter serves all its sends.
    #[inline]
    fn stamp(&mut self, sent_at: u64) {
        for &slot in &self.unstamped {
            self.connections[slot as usize].stamp(sent_at, self.flights.of(slot));
            if !self.deadlines.has(slot) {
                self.deadlines.look_at(slot, sent_at.saturating_add(self.job.timeout_ns));
            }
        }
        self.unstamped.clear();
    }

    /// How long the enter may last at most.
    #[inline]
    fn wait(&self, now: u64) -> Wait {
        // What found no room, or was not its turn, is to go on with the next turn.
        let to_open = !self.to_open.is_empty() && self.connecting < self.connects_wanted();
        if to_open || !(self.stop.is_spent() || self.ready.is_empty()) {
            return Wait::NONE;
        }
        let end = self.stop.ends_at().unwrap_or(u64::MAX);
        let until = (now + PATIENCE_NS).min(self.sampler.next()).min(self.deadlines.next()).min(end);
        Wait { now, until }
    }

    /// Takes what completed; `now` was read when the enter returned and stamps all of it.
    #[inline]
    fn reap(&mut self, now: u64) {
        while let Some(completion) = self.ring.next() {
            match completion {
                Completion::Received { slot, bytes } => {
                    let connection = &mut self.connections[slot as usize];
                    let before = connection.in_flight;
                    let shared = &mut Shared {
                        job: self.job,
                        heads: &mut self.heads,
                        tally: &mut self.tally,
                        stop: &mut self.stop,
                    };
                    let next = connection.receive(bytes, now, self.flights.of(slot), shared);
                    self.in_flight -= u64::from(before - connection.in_flight);
                    self.follow(slot, next);
                }
                Completion::Connected { slot } => {
                    self.connecting -= 1;
                    self.open += 1;
                    self.event(slot, |connection, shared, _| connection.connected(now, shared));
                }
                Completion::ConnectFailed { slot, error } => self.connect_failed(slot, &error, now),
                Completion::Ended { slot, error } => {
                    let error = error.as_ref().map(failure);
                    self.event(slot, |connection, shared, runs| connection.end(error, now, runs, shared));
                }
                Completion::SendFailed { slot, error } => self.connections[slot as usize].send_failed(failure(&error)),
                Completion::Sent { slot, result } => {
                    let connection = &mut self.connections[slot as usize];
                    connection.confirming = false;
                    match result {
                        Ok(_) => self.follow(slot, Next::Ready),
                        Err(error) => connection.send_failed(failure(&error)),
                    }
                }
                Completion::Accepted { .. } => {}
            }
        }
    }

    fn connect_failed(&mut self, slot: u32, error: &io::Error, now: u64) {
        let failure = match error.raw_os_error() {
            Some(libc::ECONNREFUSED) => ConnectFailure::Refused,
            Some(libc::ETIMEDOUT) => ConnectFailure::Timeout,
            Some(libc::EADDRNOTAVAIL) => ConnectFailure::NoLocalPort,
            _ => ConnectFailure::Other,
        };
        self.event(slot, |connection, shared, _| connection.connect_failed(failure, now, shared));
    }

    /// Tells a slot's connection of an event and follows its answer.
    fn event(
        &mut self,
        slot: u32,
        tell: impl FnOnce(&mut Connection, &mut Shared<'_>, &mut [super::flights::Run]) -> Next,
    ) {
        let connection = &mut self.connections[slot as usize];
        let (before, was) = (connection.in_flight, connection.state);
        let shared =
            &mut Shared { job: self.job, heads: &mut self.heads, tally: &mut self.tally, stop: &mut self.stop };
        let next = tell(connection, shared, self.flights.of(slot));
        self.in_flight -= u64::from(before - connection.in_flight);
        if was == State::Connecting && matches!(next, Next::ReopenAt(_)) {
            self.connecting -= 1;
        }
        self.follow(slot, next);
    }

    #[inline]
    fn follow(&mut self, slot: u32, next: Next) {
        match next {
            Next::Ready => {
                let connection = &mut self.connections[slot as usize];
                if !connection.queued && connection.free(self.job) > 0 {
                    connection.queued = true;
                    self.ready.push_back(slot);
                }
            }
            Next::Nothing => self.enter_deadline(slot),
            Next::Reopen => self.close(slot, None),
            Next::ReopenAt(at) => self.close(slot, Some(at)),
        }
    }

    fn enter_deadline(&mut self, slot: u32) {
        let runs = self.flights.of(slot);
        if let Some(at) = self.connections[slot as usize].deadline(self.job, runs) {
            self.deadlines.look_at(slot, at);
        }
    }

    fn close(&mut self, slot: u32, until: Option<u64>) {
        let connection = &mut self.connections[slot as usize];
        if matches!(connection.state, State::Open | State::Ending) {
            self.open -= 1;
        }
        self.ring.close(slot);
        connection.closed(until, &mut self.heads);
        match until {
            Some(at) => self.deadlines.look_at(slot, at),
            None => self.to_open.push_back(slot),
        }
    }

    /// Nobody is there: no connection was ever opened within the timeout, or a counted run could send nothing for long.
    fn forsaken(&mut self, now: u64) -> Result<(), String> {
        if self.in_flight > 0 {
            self.last_busy_at = now;
            return Ok(());
        }
        let alone = now - self.last_busy_at;
        let never = self.tally.connections.established == 0;
        match (never, self.stop.ends_at()) {
            // Not before the attempts of the start have expired and are counted: the wheel looks at them a tick late.
            (true, _) if alone > self.job.timeout_ns + self.deadlines.tick_ns() => {
                Err("no connection could be opened".into())
            }
            (false, None) if alone > FORSAKEN_NS => Err("no connection could be used for 30 s".into()),
            _ => Ok(()),
        }
    }

    /// Closes the window: what is in flight now stays unanswered for the figures.
    fn close_window(&mut self) -> (Tally, u64) {
        let now = self.clock.now();
        let ends_at = self.stop.ends_at().map_or(now, |end| now.min(end));
        let mut tally = std::mem::take(&mut self.tally);
        tally.requests.in_flight_at_end = self.connections.iter().map(|one| u64::from(one.in_flight)).sum();
        self.progress.completed.store(tally.requests.completed, Relaxed);
        (tally, ends_at.saturating_sub(self.starts_at))
    }

    /// Takes answers on their way off the wire, so that the server's count and ours agree.
    fn drain(&mut self, halt: &Halt) -> io::Result<()> {
        // A signal that closed the window leaves the drain to run; one that comes while draining ends it.
        let halted = halt.load(Relaxed);
        let mut now = self.clock.now();
        let until = now + self.job.drain_ns;
        loop {
            self.reap(now);
            if self.in_flight == 0 || now >= until || halt.load(Relaxed) != halted {
                return Ok(());
            }
            self.ring.enter(1, Wait { now, until: until.min(now + PATIENCE_NS) })?;
            now = self.clock.now();
        }
    }

    fn hang_up(&mut self) {
        for (slot, connection) in self.connections.iter_mut().enumerate() {
            connection.abandon();
            self.ring.close(slot as u32);
        }
    }
}

fn failure(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(libc::ECONNRESET | libc::EPIPE) => Failure::Reset,
        _ => Failure::Other,
    }
}
