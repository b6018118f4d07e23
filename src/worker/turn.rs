//! The loop. One turn: see what is due, queue it, enter the kernel once, take what completed.

use std::collections::VecDeque;
use std::io;

use super::connection::{Connection, Next};
use super::deadlines::Deadlines;
use super::ending::Reached;
use super::in_flight::{Batch, BatchMemory};
use super::outgoing::Outgoing;
use super::patience::Mark;
use super::sampler::Sampler;
use super::shared::Shared;
use super::stalls::{NOTICED_NS, Stalls};
use super::stats::{KindStats, Segment, WorkerStats};
use super::usage::Account;
use super::{Control, Done, Job, Progress};
use crate::measure::clock::Clock;
use crate::measure::counters::Intended;
use crate::measure::outage::Outage;
use crate::measure::schedule::{Due, Schedule};
use crate::measure::stop::Stop;
use crate::protocol::h1::response::Heads;
use crate::protocol::tls::TlsShared;
use crate::protocol::{Growing, H1, Protocol, Tls};
use crate::result::CutShort;
use crate::ring::cpu::{self, CpuTime};
use crate::ring::{Counters, Ring, Wait};
use crate::workload::Workload;

/// The longest wait, ns: a halt is seen this late at most.
pub(super) const PATIENCE_NS: u64 = 20_000_000;

/// How long (ns) before a due instant a worker that spins stays awake: most waits end later than asked by less than this.
const SPIN_NS: u64 = 50_000;

/// Connects on their way at a time, and begun per turn: neither a server's backlog nor the loop is flooded.
const CONNECTING_AT_ONCE: usize = 512;
const CONNECTS_PER_TURN: usize = 64;

/// Completions taken at least before whoever seems silent is given up, and those for each connection.
const COMPLETIONS_AT_LEAST: u64 = 4096;
const COMPLETIONS_PER_SLOT: u64 = 8;

pub(super) struct Loop<'a, R, P: Protocol, C> {
    pub(super) job: &'a Job,
    pub(super) ring: &'a mut R,
    clock: &'a C,
    pub(super) progress: &'a Progress,
    pub(super) shared: Shared<'a>,
    /// What the connections' protocol shares.
    pub(super) wire: P::Shared,
    /// The window's beginning, ns.
    pub(super) begins_at: u64,
    pub(super) connections: Vec<Connection<P>>,
    pub(super) batches: BatchMemory,
    pub(super) deadlines: Deadlines,
    /// Connections with free places, the longest free first.
    pub(super) ready: VecDeque<u32>,
    /// Slots to connect, in turn.
    pub(super) to_open: VecDeque<u32>,
    /// What a protocol says by itself, and the slots whose connections have such waiting for a block.
    pub(super) replies: Growing,
    pub(super) to_flush: Vec<u32>,
    /// Slots whose sends of this turn are not stamped yet.
    unstamped: Vec<u32>,
    /// All blocks are on their way: nothing that needs one can be sent before the next enter.
    out_of_blocks: bool,
    pub(super) connecting: usize,
    /// Slots from this one on are to have no connection.
    pub(super) wanted: usize,
    /// Changes of the control that were seen.
    pub(super) orders_seen: u64,
    pub(super) open: u64,
    pub(super) outage: Outage,
    pub(super) reached: Vec<Reached>,
    pub(super) in_flight: u64,
    /// When the last enter returned.
    pub(super) entered_at: u64,
    /// What had completed before this instant has been taken.
    pub(super) caught_up_at: u64,
    /// When the first connections were begun.
    pub(super) begun_at: u64,
    /// What there was when progress was last seen.
    pub(super) progressed: Mark,
    /// An instant, and the CPU time that the thread had used by then.
    worked: (u64, u64),
    /// When the last stop began, and for how long it was one.
    stopped: (u64, u64),
    pub(super) sampler: Sampler,
    pub(super) spun_ns: u64,
    pub(super) account: Account,
    /// What this thread had used, and the ring counted, when the window began.
    before: (CpuTime, Counters),
}

/// Runs `job` to its end on `ring`; the load starts at `starts_at` on the run's clock, and connections open from now on. Never
/// loses what was measured: whatever ends it early is named in the outcome.
pub fn work<R: Ring, C: Clock>(
    job: &Job,
    starts_at: u64,
    ring: &mut R,
    clock: &C,
    progress: &Progress,
    control: &Control,
) -> Done {
    let heads = Heads::new(job.layout.set().kinds.len());
    match &job.tls {
        None => work_as::<R, H1, C>(job, starts_at, ring, clock, progress, control, heads),
        Some(setup) => {
            let wire = TlsShared::new(setup, heads);
            work_as::<R, Tls<H1>, C>(job, starts_at, ring, clock, progress, control, wire)
        }
    }
}

/// The same by the protocol `P`, whose connections share `wire`.
pub(super) fn work_as<R: Ring, P: Protocol, C: Clock>(
    job: &Job,
    starts_at: u64,
    ring: &mut R,
    clock: &C,
    progress: &Progress,
    control: &Control,
    wire: P::Shared,
) -> Done {
    let mut this: Loop<'_, R, P, C> = Loop::new(job, starts_at, ring, clock, progress, wire);
    let cut_short = this.window(control);
    this.close(cut_short.err(), control)
}

pub(super) fn lost(error: &io::Error) -> CutShort {
    CutShort::RingFailed(error.to_string())
}

impl<'a, R: Ring, P: Protocol, C: Clock> Loop<'a, R, P, C> {
    fn new(
        job: &'a Job,
        starts_at: u64,
        ring: &'a mut R,
        clock: &'a C,
        progress: &'a Progress,
        wire: P::Shared,
    ) -> Self {
        let (now, worked) = (clock.now(), clock.cpu());
        let begins_at = starts_at.saturating_add(job.warmup_ns);
        let ends_at = job.duration_ns.map(|span| begins_at.saturating_add(span));
        let warm_up = job.warmup_ns > 0;
        let counts_at_once = !warm_up && job.open.is_none();
        let count = job.connections;
        let remote = |slot: usize| ((job.first_connection + slot) % job.remotes) as u32;
        // Without a lead there was to be load from `starts_at` on.
        let mut account = Account::new(now.min(starts_at), ends_at.unwrap_or(u64::MAX));
        let late_ns = now.saturating_sub(starts_at);
        if late_ns > NOTICED_NS {
            account.stopped(starts_at, late_ns);
        }
        Loop {
            job,
            ring,
            clock,
            progress,
            shared: Shared {
                job,
                stats: stats(job, begins_at),
                schedule: schedule(job, starts_at, begins_at, ends_at),
                stop: Stop::new(ends_at, job.requests.filter(|_| counts_at_once)),
                workload: Workload::new(&job.layout, job.worker, job.unix_ns),
                stalls: Stalls::new(),
                plain: job.layout.set().kinds.len() <= 1 && !job.checks.any(),
            },
            wire,
            begins_at,
            connections: (0..count).map(|slot| Connection::new(remote(slot), job)).collect(),
            batches: BatchMemory::new(count, job.pipeline),
            deadlines: Deadlines::new(count, job.timeout_ns, now),
            ready: VecDeque::with_capacity(count),
            to_open: (0..count as u32).collect(),
            replies: Growing::default(),
            to_flush: Vec::new(),
            // In open loop a connection may get more within a turn.
            unstamped: Vec::with_capacity(2 * count),
            out_of_blocks: false,
            connecting: 0,
            wanted: count,
            orders_seen: 0,
            open: 0,
            outage: Outage::new(now),
            reached: vec![Reached::default(); job.remotes],
            in_flight: 0,
            entered_at: now,
            caught_up_at: 0,
            begun_at: now,
            progressed: Mark::at(now),
            worked: (now, worked),
            stopped: (0, 0),
            sampler: Sampler::new(begins_at, warm_up, job.interval_ns, progress),
            spun_ns: 0,
            account,
            before: (cpu::of_this_thread(), Counters::default()),
        }
    }

    /// Turns until the window closes. An error says why that was before its time.
    fn window(&mut self, control: &Control) -> Result<(), CutShort> {
        let ends_at = self.shared.stop.ends_at().unwrap_or(u64::MAX);
        let mut now = self.clock.now();
        self.begun_at = now;
        self.progressed.at = now;
        while !control.is_stopped() && !self.is_done() {
            now = self.turn(now, ends_at).map_err(|error| lost(&error))?;
            if now >= ends_at {
                break;
            }
            let looks = self.sampler.is_due(now);
            if looks {
                self.look_around(now);
            }
            self.reap(now);
            if looks {
                self.obey(control, now);
                now = self.forsaken(now, ends_at)?;
                if now >= ends_at {
                    break;
                }
            }
        }
        Ok(())
    }

    /// One turn, up to what has completed; tells when the enter returned, at `until` at the latest.
    #[inline]
    pub(super) fn turn(&mut self, now: u64, until: u64) -> io::Result<u64> {
        let mut now = now;
        if self.deadlines.is_due(now) {
            now = self.give_up(now, until)?;
            if now >= until {
                return Ok(now);
            }
        }
        let (before, carried) = (self.entered_at, self.in_flight);
        self.fill(now);
        let sent_at = self.clock.now();
        self.stamp(sent_at);
        let (wait, spins) = self.wait(sent_at, until);
        self.ring.enter(1, wait)?;
        self.entered_at = self.clock.now();
        self.account.turn(before, carried, sent_at, self.in_flight, self.entered_at);
        if spins {
            self.spun_ns += self.entered_at - sent_at;
        }
        if self.entered_at - before > NOTICED_NS {
            self.notice(before, sent_at, wait.until);
        }
        Ok(self.entered_at)
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Waits for completions alone.
    pub(super) fn listen(&mut self, now: u64, until: u64) -> io::Result<u64> {
        let until = until.min(now + PATIENCE_NS);
        self.ring.enter(1, Wait { now, until })?;
        self.entered_at = self.now();
        self.notice(now, now, until);
        Ok(self.entered_at)
    }

    /// Takes off the ring all that has completed, or what is there at `until`, which is then still to be taken. Tells when the
    /// last enter returned.
    pub(super) fn catch_up(&mut self, until: u64) -> io::Result<u64> {
        // Of a server that never ends its answers there is always more.
        let mut left = COMPLETIONS_PER_SLOT * self.connections.len() as u64 + COMPLETIONS_AT_LEAST;
        loop {
            let (before, carried, taken) = (self.entered_at, self.in_flight, self.ring.counters().cqes);
            let asked_at = self.clock.now();
            self.ring.enter(Wait::ALL, Wait::NONE)?;
            let drained = self.ring.is_drained();
            self.entered_at = self.clock.now();
            self.account.turn(before, carried, asked_at, self.in_flight, self.entered_at);
            if self.entered_at - before > NOTICED_NS {
                self.notice(before, asked_at, 0);
            }
            if self.entered_at >= until {
                return Ok(self.entered_at);
            }
            if self.sampler.is_due(self.entered_at) {
                self.look_around(self.entered_at);
            }
            self.reap(self.entered_at);
            left = left.saturating_sub(1 + self.ring.counters().cqes - taken);
            if drained || left == 0 {
                self.caught_up_at = asked_at;
                return Ok(self.entered_at);
            }
        }
    }

    /// A turn that took long: did it wait for so long, or could it not act?
    #[cold]
    fn notice(&mut self, before: u64, sent_at: u64, until: u64) {
        let now = self.entered_at;
        let parts = [(before, sent_at), (until.max(sent_at), now)].map(|(from, to)| (from, to.saturating_sub(from)));
        if parts.iter().all(|(_, ns)| *ns <= NOTICED_NS) {
            return;
        }
        let (worked_at, worked_ns) = std::mem::replace(&mut self.worked, (now, self.clock.cpu()));
        // What it worked since it was last looked at and cannot have worked before this turn.
        let mut own = (self.worked.1 - worked_ns).saturating_sub(before.saturating_sub(worked_at));
        for (from, ns) in parts.into_iter().filter(|(_, ns)| *ns > NOTICED_NS) {
            let stopped = ns.saturating_sub(own);
            own = own.saturating_sub(ns);
            if stopped > 0 {
                self.shared.stalls.add(from + ns, stopped);
                self.stopped = (from, stopped);
                self.account.stopped(from, stopped);
            }
        }
    }

    /// A count ends it: everything is sent and nothing in flight.
    fn is_done(&self) -> bool {
        let all_sent =
            self.shared.stop.is_spent() || (self.shared.stop.ends_at().is_none() && self.shared.schedule.is_over());
        all_sent && self.in_flight == 0
    }

    /// Before anything of this turn is reaped: what has completed now belongs to what begins now.
    pub(super) fn look_around(&mut self, now: u64) {
        if self.sampler.begins(now) {
            self.begin();
        }
        self.sample(now);
        self.worked = (now, self.clock.cpu());
    }

    pub(super) fn sample(&mut self, now: u64) {
        self.sampler.sample(now, &mut self.shared.stats, self.open, self.outage.is_away(), self.progress);
    }

    /// The warm-up is over.
    pub(super) fn begin(&mut self) {
        let carried = if self.shared.stats.sample_from == 0 { self.in_flight } else { 0 };
        let Loop { connections, batches, shared, .. } = self;
        let of_kind = |kind| {
            let of = |(slot, connection): (usize, &Connection<P>)| {
                connection.policy.in_flight_of(kind, batches.batches_of(slot as u32))
            };
            if carried > 0 { connections.iter().enumerate().map(of).sum() } else { 0 }
        };
        shared.stats.begin(carried, of_kind);
        if let Some(facts) = P::tls_facts(&mut self.wire) {
            facts.begin();
        }
        self.outage.forget();
        self.connections.iter_mut().for_each(|connection| connection.policy.completed = 0);
        if let Some(requests) = self.job.requests
            && self.job.open.is_none()
        {
            self.shared.stop.count(requests);
        }
        self.spun_ns = 0;
        self.account.begin(self.begins_at, self.entered_at, self.in_flight);
        // It may have lasted into the window.
        self.account.stopped(self.stopped.0, self.stopped.1);
        self.before = (cpu::of_this_thread(), self.ring.counters());
    }

    /// What this thread has used and the ring counted since the window began or, without a warm-up, since connections open.
    pub(super) fn since_begin(&self) -> (CpuTime, Counters) {
        let (used, counted) = self.before;
        (cpu::of_this_thread().since(used), self.ring.counters().since(counted))
    }

    /// Queues what is due: requests first, as somebody waits for them, then connects.
    #[inline]
    fn fill(&mut self, now: u64) {
        if !P::SHAKES_HANDS {
            self.flush_all();
        }
        self.out_of_blocks = false;
        let Shared { stats, schedule, .. } = &mut self.shared;
        schedule.advance(now, |at, count| {
            stats.count_open(at, |open| open.shed += count);
            stats.missed(count, count, at);
        });
        while self.may_send()
            && self.ring.room() > 0
            && let Some(slot) = self.ready.pop_front()
        {
            self.connections[slot as usize].policy.queued = false;
            self.send(slot, now);
        }
        if P::SHAKES_HANDS {
            // What requests of this turn did not take along with them.
            self.flush_all();
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

    /// How many connects may be on their way: no more than there are requests left for them to carry. All are opened once, also
    /// those of a worker to whom nothing is due.
    pub(super) fn connects_wanted(&self) -> usize {
        if self.shared.schedule.is_over() && self.shared.stats.connections.established >= self.connections.len() as u64
        {
            return 0;
        }
        let left = usize::try_from(self.shared.stop.left()).unwrap_or(usize::MAX);
        left.min(CONNECTING_AT_ONCE)
    }

    /// Something is due, and there is a connection for it.
    #[inline]
    fn may_send(&self) -> bool {
        !self.ready.is_empty()
            && !self.out_of_blocks
            && !self.shared.stop.is_spent()
            && self.shared.schedule.has_waiting()
    }

    #[inline]
    fn send(&mut self, slot: u32, now: u64) {
        let connection = &mut self.connections[slot as usize];
        let free = connection.free(self.job);
        let count = self.shared.stop.claim(self.shared.schedule.share(free, self.ready.len() + 1));
        if count == 0 {
            return;
        }
        let last = connection.policy.sent_here + u64::from(count);
        let closes = self.job.requests_per_connection == Some(last) && !self.job.resets;
        let mut out = Outgoing::new(self.ring, self.job.layout.memory());
        // What the protocol said before goes out first.
        let unhindered = !P::SHAKES_HANDS || connection.policy.put_unsent(&mut out);
        let batches = self.batches.of(slot);
        let put = match &self.shared.workload {
            _ if !unhindered => 0,
            Workload::Fixed(fixed) => {
                let (asked, range) = (fixed.asked, fixed.range(count, closes));
                let batch = Batch { count: count as u16, ..Batch::default() };
                if !P::SHAKES_HANDS {
                    // What lies ready always goes out.
                    connection.policy.sent(batch, now, batches, &mut self.shared);
                    connection.protocol.request(asked, count, range, &mut out);
                    count
                } else if connection.protocol.request(asked, count, range, &mut out) {
                    connection.policy.sent(batch, now, batches, &mut self.shared);
                    count
                } else {
                    0
                }
            }
            Workload::Mix(_) => connection.put_mix(count, closes, now, batches, &mut self.shared, &mut out),
        };
        let mut confirm = false;
        if P::SHAKES_HANDS {
            connection.protocol.finish(&mut self.wire, &mut out);
            confirm = connection.protocol.has_more() || !connection.policy.unsent.is_empty();
        }
        let bytes = out.len();
        confirm |= self.job.layout.needs_confirming(bytes);
        self.shared.stats.bytes.sent += out.send(slot, confirm) as u64;
        if put < count {
            self.shared.stop.refund(u64::from(count - put));
            self.out_of_blocks |= bytes == 0;
        }
        if put > 0 {
            self.in_flight += u64::from(put);
            self.unstamped.push(slot);
        }
        if bytes > 0 {
            self.connections[slot as usize].policy.confirming = confirm;
        }
        if put < free {
            self.follow(slot, Next::Ready);
        }
    }

    fn connect(&mut self, slot: u32, now: u64) {
        let policy = &mut self.connections[slot as usize].policy;
        let remote = policy.remote as usize;
        policy.connecting(now);
        self.connecting += 1;
        self.reached[remote].attempts += 1;
        self.outage.tries(now);
        match self.ring.connect(slot, remote) {
            Ok(()) => self.deadlines.look_at(slot, now + self.job.timeout_ns),
            Err(error) => self.connect_failed(slot, &error, now),
        }
    }

    /// One clock read just before the enter serves all its sends.
    #[inline]
    fn stamp(&mut self, sent_at: u64) {
        let open = self.shared.schedule.is_open();
        for &slot in &self.unstamped {
            let policy = &self.connections[slot as usize].policy;
            policy.stamp(sent_at, self.batches.of(slot), &mut self.shared.stats, open);
            if !self.deadlines.has(slot) {
                self.deadlines.look_at(slot, sent_at.saturating_add(self.job.timeout_ns));
            }
        }
        self.unstamped.clear();
    }

    /// How long the enter may last at most, and whether it does not wait in order to be awake at the next due instant.
    #[inline]
    fn wait(&self, now: u64, until: u64) -> (Wait, bool) {
        // What found no room, or was not its turn, is to go on with the next turn.
        let to_open = !self.to_open.is_empty() && self.connecting < self.connects_wanted();
        if to_open || self.may_send() {
            return (Wait::NONE, false);
        }
        let until = until.min(now + PATIENCE_NS).min(self.sampler.next()).min(self.deadlines.next());
        if self.ready.is_empty() {
            return (Wait { now, until }, false);
        }
        let due = self.shared.schedule.next();
        match &self.job.open {
            Some(open) if open.spin && due <= now + SPIN_NS => (Wait::NONE, true),
            Some(open) if open.spin => (Wait { now, until: until.min(due - SPIN_NS) }, false),
            _ => (Wait { now, until: until.min(due) }, false),
        }
    }
}

/// What is due to this worker.
fn schedule(job: &Job, starts_at: u64, begins_at: u64, ends_at: Option<u64>) -> Schedule {
    let Some(open) = &job.open else {
        return Schedule::Closed;
    };
    let mut due = Due::new(open.offer.clone(), open.worker, starts_at);
    if let Some(requests) = job.requests {
        due = due.counting(begins_at, requests);
    }
    due.end(ends_at.unwrap_or(u64::MAX));
    let ends = open.stages_ns.iter().map(|end| begins_at.saturating_add(*end));
    let bounds = std::iter::once(begins_at).chain(ends).collect();
    Schedule::open(due, job.connections * job.pipeline as usize, open.deadline_ns, bounds)
}

fn stats(job: &Job, begins_at: u64) -> WorkerStats {
    let mut stats = WorkerStats::new();
    // In a closed loop by time the sample is what completes inside the window, whenever it was sent.
    if job.open.is_some() || job.requests.is_some() {
        stats.sample_from = begins_at;
    }
    if job.unrecorded {
        stats.sample_from = u64::MAX;
    }
    stats.tls = job.tls.as_ref().map(|_| Box::default());
    if let Some(open) = &job.open {
        stats.requests.open = Some(Intended::default());
        stats.segments = open.stages_ns.iter().map(|end| Segment::new(begins_at.saturating_add(*end))).collect();
    }
    let kinds = job.layout.set().kinds.len();
    if kinds > 1 {
        stats.kinds = (0..kinds).map(|_| KindStats::new(job.open.is_some(), kinds)).collect();
    }
    stats
}
