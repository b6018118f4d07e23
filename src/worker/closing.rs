//! The end: what still comes when the window has closed, and what is counted at last.

use std::sync::atomic::Ordering::Relaxed;

use super::connection::State;
use super::shared::Shared;
use super::stats::WorkerStats;
use super::turn::{Loop, lost};
use super::{Control, Done};
use crate::measure::clock::Clock;
use crate::measure::counters::Requests;
use crate::protocol::{Protocol, TlsFault};
use crate::result::CutShort;
use crate::ring::cpu::CpuTime;
use crate::ring::{Counters, Ring};

/// What is of the sample, when that is complete.
struct Figures {
    stats: WorkerStats,
    completed_by_slot: Vec<u64>,
    used: CpuTime,
    ring: Counters,
}

impl<R: Ring, P: Protocol, C: Clock> Loop<'_, R, P, C> {
    /// Closes the window, takes off the wire what still comes, and closes the connections.
    pub(super) fn close(mut self, cut_short: Option<CutShort>, control: &Control) -> Done {
        if self.sampler.warms_up() {
            // Nothing of the window was seen.
            self.begin();
        }
        let now = self.now();
        let window_ends = self.shared.stop.ends_at().map_or(now, |end| now.min(end));
        let (inside, at_end) = (self.shared.stats.inside, self.shared.stats.requests);
        let received_inside = self.shared.stats.bytes.received;
        let usage = self.account.close(self.entered_at);
        self.progress.completed.store(self.shared.stats.requests.completed, Relaxed);
        let halted = control.is_stopped();
        let away = self.outage.is_away();
        let gaps = self.outage.finish(self.begins_at, window_ends);
        let reached_count = self.shared.stop.is_spent() && self.in_flight == 0;
        let owed_since = (!self.shared.schedule.is_open() && !reached_count).then_some(self.begins_at);
        // In closed loop what comes from now on is not of the sample; in open loop the sample is what was intended until now.
        let closed = (!self.shared.schedule.is_open()).then(|| self.take_figures(window_ends));
        if self.shared.schedule.is_open() && (halted || cut_short.is_some()) {
            self.shared.stop.close();
            self.give_up_waiting(window_ends);
        }
        let cut_short = cut_short.or_else(|| self.drain(window_ends, halted, control).err());
        let done_at = self.now();
        let mut figures = closed.unwrap_or_else(|| {
            self.give_up_waiting(done_at);
            self.take_figures(done_at)
        });
        let expired_at = if self.shared.schedule.is_open() { done_at } else { window_ends };
        figures.stats.connections.failed.timeout += self.expired_connects(State::Connecting, expired_at);
        let handshakes = self.expired_connects(State::ShakingHands, expired_at);
        figures.stats.connections.failed.tls += handshakes;
        if let Some(tls) = &mut figures.stats.tls {
            tls.faults[TlsFault::Timeout.index()] += handshakes;
        }
        complete_intended(&mut figures.stats);
        let inside_at_most = own_inside_at_most(&at_end, &figures.stats.requests);
        let ending = self.ending(away, owed_since, figures.stats.missed_last(), done_at);
        self.count_answers();
        self.close_connections();
        let Figures { stats, completed_by_slot, used, ring } = figures;
        let elapsed_ns = window_ends.saturating_sub(self.begins_at);
        let spun_ns = self.spun_ns;
        let reached = self.reached;
        Done {
            stats,
            elapsed_ns,
            inside,
            inside_at_most,
            received_inside,
            completed_by_slot,
            spun_ns,
            used,
            usage,
            ring,
            gaps,
            ending,
            reached,
            cut_short,
        }
    }

    fn take_figures(&mut self, now: u64) -> Figures {
        for (slot, connection) in self.connections.iter().enumerate() {
            connection.count_at_end(slot < self.wanted, self.batches.of(slot as u32), &mut self.shared);
        }
        let mut stats = std::mem::take(&mut self.shared.stats);
        self.sampler.finish(now, &mut stats, self.open, self.progress);
        stats.saw_tls_port = P::saw_tls_port(&self.wire);
        if let Some((tls, facts)) = stats.tls.as_mut().zip(P::tls_facts(&mut self.wire)) {
            tls.facts = std::mem::take(facts);
        }
        stats.settle();
        let completed_by_slot = self.connections.iter().map(|connection| connection.policy.completed).collect();
        let (used, ring) = self.since_begin();
        Figures { stats, completed_by_slot, used, ring }
    }

    /// What waits is not sent any more.
    fn give_up_waiting(&mut self, now: u64) {
        let Shared { stats, schedule, .. } = &mut self.shared;
        schedule.abandon(now, |at, count, too_long| {
            stats.count_open(at, |open| if too_long { open.shed += count } else { open.unsent += count });
            stats.missed(count, count, at);
        });
    }

    /// Takes answers on their way off the wire, so that the server's count and ours agree; in open loop also sends what was due
    /// and still waits.
    fn drain(&mut self, window_ends: u64, halted: bool, control: &Control) -> Result<(), CutShort> {
        // A signal that closed the window leaves the drain to run; one that comes while draining ends it.
        let signal = control.stopped_by();
        let mut drain_ns = self.job.drain_ns;
        if self.shared.schedule.is_open() {
            self.shared.schedule.end(window_ends);
            // What is sent last is to expire within the drain, which the wheel sees a tick late.
            drain_ns = drain_ns.saturating_add(2 * self.deadlines.tick_ns());
        } else {
            self.shared.stop.close();
        }
        if halted {
            drain_ns = drain_ns.min(self.job.halted_drain_ns);
        }
        let drains_at = self.now();
        // What the window's last enter brought came when that returned.
        let mut now = self.entered_at;
        loop {
            if self.sampler.is_due(now) {
                self.look_around(now);
            }
            self.reap(now);
            let until = self.shared.stalls.end_of(drain_ns, drains_at);
            let over = self.in_flight == 0 && (self.shared.schedule.is_over() || self.shared.stop.is_spent());
            if over || now >= until || control.stopped_by() != signal {
                return Ok(());
            }
            // In closed loop nothing more is sent, and nothing expires: what is in flight is no longer of the sample.
            let turned = if self.shared.schedule.is_open() { self.turn(now, until) } else { self.listen(now, until) };
            now = turned.map_err(|error| lost(&error))?;
        }
    }

    fn close_connections(&mut self) {
        self.progress.open.store(0, Relaxed);
        for slot in 0..self.connections.len() as u32 {
            if P::SHAKES_HANDS {
                self.say_goodbye(slot);
            }
            self.connections[slot as usize].policy.abandon();
            self.ring.close(slot);
        }
    }
}

/// As many answers as the window's own requests could bring inside it: all that were due, less what had failed or been shed when it
/// closed (`at_end`). Answers to the warm-up stand for those of its own that come only after it, and for no more.
fn own_inside_at_most(at_end: &Requests, whole: &Requests) -> u64 {
    let due = whole.open.map_or(whole.sent - whole.discarded, |open| open.intended);
    due.saturating_sub(at_end.failed + at_end.open.map_or(0, |open| open.shed))
}

/// What was intended is known when it is known what became of it.
fn complete_intended(stats: &mut WorkerStats) {
    let complete = |requests: &mut Requests| {
        if let Some(open) = &mut requests.open {
            open.intended = requests.sent - requests.discarded + open.shed + open.unsent;
        }
    };
    complete(&mut stats.requests);
    stats.segments.iter_mut().for_each(|segment| complete(&mut segment.requests));
}
