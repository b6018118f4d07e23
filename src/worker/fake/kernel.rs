//! What happens between one enter and the next.

use std::collections::VecDeque;
use std::io;

use super::requests::Asked;
use super::server::{ConnectOutcome, Move, serve};
use super::{Fake, PATIENCE_NS};
use crate::ring::Completion;

/// What is queued until the next enter.
pub(super) enum Queued {
    Connect(ConnectOutcome),
    Send { asked: Vec<Asked>, bytes: usize, confirm: bool },
}

/// What will be reported.
pub(super) enum Event {
    Connects(Option<i32>),
    Sent(Result<usize, i32>),
    Server(Move),
    /// The server looks whether the connection is idle.
    Idle,
}

/// An event of a slot's connection, known by its generation.
pub(super) struct Report {
    pub(super) slot: u32,
    pub(super) generation: u64,
    pub(super) event: Event,
}

impl Fake {
    fn schedule(&mut self, slot: u32, at: u64, event: Event) {
        self.sequence += 1;
        let generation = self.slots[slot as usize].generation;
        self.to_come.insert((at, self.sequence), Report { slot, generation, event });
    }

    /// Schedules what the server does, never before what it did on that connection already.
    fn schedule_move(&mut self, slot: u32, event: Event) {
        let delay = self.random.within(&self.behaviour.delay_ns);
        let last = &mut self.slots[slot as usize].last_move_at;
        *last = (*last).max(self.time.last()) + delay;
        let at = *last;
        self.schedule(slot, at, event);
    }

    pub(super) fn submit(&mut self) {
        let now = self.time.last();
        while self.later.first().is_some_and(|(from, _)| now >= *from) {
            self.behaviour = self.later.remove(0).1;
        }
        for (slot, queued) in std::mem::take(&mut self.queued) {
            match queued {
                Queued::Connect(outcome) => self.begin_connect(slot, outcome),
                Queued::Send { asked, bytes, confirm } => {
                    if confirm {
                        self.confirm(slot, bytes);
                    }
                    asked.into_iter().for_each(|asked| self.serve(slot, asked));
                }
            }
        }
        self.record.most_in_flight = self.record.most_in_flight.max(self.unanswered());
    }

    fn begin_connect(&mut self, slot: u32, outcome: ConnectOutcome) {
        let error = match outcome {
            ConnectOutcome::Silent => return,
            ConnectOutcome::Opens | ConnectOutcome::OpensAndEnds => None,
            ConnectOutcome::Refused => Some(libc::ECONNREFUSED),
            ConnectOutcome::TimedOut => Some(libc::ETIMEDOUT),
            ConnectOutcome::NoLocalPort | ConnectOutcome::NoPortForSocket => Some(libc::EADDRNOTAVAIL),
            ConnectOutcome::Unreachable | ConnectOutcome::NoSocket => Some(libc::EHOSTUNREACH),
        };
        self.schedule_move(slot, Event::Connects(error));
        if outcome == ConnectOutcome::OpensAndEnds {
            self.slots[slot as usize].reads_no_more = true;
            self.schedule_move(slot, Event::Server(Move::Ends { error: None, completes: false }));
        }
    }

    /// How a confirmed send ends, which is told apart from what the server does with what came of it.
    fn confirm(&mut self, slot: u32, bytes: usize) {
        let delay = self.random.within(&self.behaviour.delay_ns);
        let (failed, stuck) = (self.failed_sends, self.stuck_sends);
        let outcomes = [(Some(Ok(bytes)), 100 - failed - stuck), (Some(Err(libc::EPIPE)), failed), (None, stuck)];
        let outcome = self.random.pick(&outcomes);
        if let Some(result) = outcome {
            self.schedule(slot, self.time.last() + delay, Event::Sent(result));
        }
        if outcome.is_some_and(|result| result.is_err()) {
            self.slots[slot as usize].reads_no_more = true;
            self.schedule_move(slot, Event::Server(Move::Ends { error: None, completes: false }));
        }
    }

    /// The server has a request whole.
    fn serve(&mut self, slot: u32, asked: Asked) {
        self.slots[slot as usize].queued -= 1;
        self.slots[slot as usize].unanswered.push_back((self.time.last(), asked.kind));
        if self.slots[slot as usize].reads_no_more {
            return;
        }
        self.record.numbers.extend(asked.number);
        let action = self.random.pick(&self.behaviour.actions);
        let (moves, reads_on) = serve(action, asked, self.behaviour.split, &mut self.random);
        self.slots[slot as usize].reads_no_more = !reads_on;
        moves.into_iter().for_each(|step| self.schedule_move(slot, Event::Server(step)));
    }

    /// The wait asked for ends no later than anything that must be looked at.
    pub(super) fn check_wait(&self, timeout_ns: u64) {
        let now = self.time.last();
        let until = now + timeout_ns;
        assert!(timeout_ns <= PATIENCE_NS, "a halt is seen within the patience: {timeout_ns}");
        if self.record.over {
            return;
        }
        assert!(until <= self.ends_at().max(now), "the loop waits past the window's end");
        // A stop counts for nobody, and afterwards there is time to settle.
        let slack = 2 * self.stopped_ns + 2 * self.job.timeout_ns.div_ceil(1000).max(10_000);
        for slot in &self.slots {
            if let Some(since) = slot.waits_since() {
                let due = since + self.job.timeout_ns + slack;
                assert!(until <= due.max(now), "the loop waits past a deadline: until {until}, due {due}, now {now}");
            }
        }
    }

    /// Lets time pass to what comes first: an event, the end of the wait, or for no reason an instant before.
    pub(super) fn pass(&mut self, timeout_ns: u64) {
        let now = self.time.last();
        let limit = now + timeout_ns;
        let first = self.to_come.first_key_value().map_or(limit, |((at, _), _)| limit.min(*at)).max(now);
        let late = self.random.within(&self.late_ns);
        let wake = match self.random.percent(self.spurious) {
            true => now + self.random.below(first - now + 1),
            false => first + late,
        };
        self.time.at.set(wake);
        if let Some((_, ns)) = self.stops.pop_front_if(|(at, _)| *at <= wake) {
            // On the way back from the kernel, or somewhere in the loop.
            self.time.stop.set((self.random.below(3) as u32, ns));
            self.stopped_ns += ns;
        }
        if self.halt_at.is_some_and(|at| wake >= at) {
            self.control.stop(2);
        }
        // The loop's next reading.
        self.record.over |= self.time.next() >= self.ends_at();
    }

    /// A look at whether a connection is idle is its end, or brings another look later.
    fn if_idle(&mut self, report: Report, now: u64) -> Option<Report> {
        let place = &mut self.slots[report.slot as usize];
        let idle_ns = self.behaviour.idle_ns.filter(|_| matches!(report.event, Event::Idle));
        let Some(idle_ns) = idle_ns else { return Some(report).filter(|one| !matches!(one.event, Event::Idle)) };
        if place.generation != report.generation || place.reads_no_more {
            return None;
        }
        let ends_at = place.last_move_at + idle_ns;
        if place.unanswered.is_empty() && ends_at <= now {
            place.reads_no_more = true;
            let event = Event::Server(Move::Ends { error: None, completes: false });
            return Some(Report { event, ..report });
        }
        self.schedule(report.slot, ends_at.max(now + idle_ns / 4), Event::Idle);
        None
    }

    /// Takes what has happened, or some of it, in any order across slots but in order within one.
    pub(super) fn reap(&mut self) {
        let (now, most) = (self.time.last(), 1 + self.random.below(64) as usize);
        let mut lanes: Vec<VecDeque<Report>> = self.slots.iter().map(|_| VecDeque::new()).collect();
        for _ in 0..most {
            match self.to_come.first_entry() {
                Some(entry) if entry.key().0 <= now => {
                    let report = entry.remove();
                    if let Some(report) = self.if_idle(report, now) {
                        lanes[report.slot as usize].push_back(report);
                    }
                }
                _ => break,
            }
        }
        self.drained = self.to_come.first_key_value().is_none_or(|((at, _), _)| *at > now);
        lanes.retain(|lane| !lane.is_empty());
        while !lanes.is_empty() {
            let lane = self.random.below(lanes.len() as u64) as usize;
            if let Some(mut report) = lanes[lane].pop_front() {
                while self.random.percent(self.together) && absorb(&mut report, lanes[lane].front()) {
                    lanes[lane].pop_front();
                }
                self.batch.push_back(report);
            }
            lanes.retain(|lane| !lane.is_empty());
        }
    }

    pub(super) fn deliver(&mut self, slot: u32, event: Event) -> Completion<'_> {
        // When the loop read the clock as the enter returned, which serves for all of its batch.
        let now = self.record.reaped_at;
        let place = &mut self.slots[slot as usize];
        match event {
            Event::Connects(None) => {
                self.record.opens(place, now);
                if let Some(idle_ns) = self.behaviour.idle_ns {
                    self.schedule(slot, now + idle_ns, Event::Idle);
                }
                Completion::Connected { slot }
            }
            Event::Connects(Some(code)) => {
                self.record.connect_fails(code);
                place.close();
                Completion::ConnectFailed { slot, error: io::Error::from_raw_os_error(code) }
            }
            Event::Sent(result) => {
                place.sent(result.is_ok());
                Completion::Sent { slot, result: result.map_err(io::Error::from_raw_os_error) }
            }
            Event::Server(Move::SendFails(code)) => {
                place.sent(false);
                Completion::SendFailed { slot, error: io::Error::from_raw_os_error(code) }
            }
            Event::Server(Move::Ends { error, completes }) => {
                self.record.ends(place, slot, now, completes);
                Completion::Ended { slot, error: error.map(io::Error::from_raw_os_error) }
            }
            Event::Idle => unreachable!("the server's own"),
            Event::Server(Move::Data(data)) => {
                self.record.receives(place, slot, now, &data);
                self.lent = data.bytes;
                Completion::Received { slot, bytes: &mut self.lent }
            }
        }
    }
}

/// Bytes that arrived one after the other may be read at once.
fn absorb(first: &mut Report, second: Option<&Report>) -> bool {
    let Some(Report { event: Event::Server(Move::Data(second)), generation, .. }) = second else {
        return false;
    };
    match first {
        Report { event: Event::Server(Move::Data(first)), generation: same, .. } if same == generation => {
            first.bytes.extend_from_slice(&second.bytes);
            first.parts.extend_from_slice(&second.parts);
            first.announces |= second.announces;
            first.excess |= second.excess;
            true
        }
        _ => false,
    }
}
