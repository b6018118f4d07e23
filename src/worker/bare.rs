//! The floor: what the ring and the kernel cost when a client does nothing else. It connects, sends and counts bytes.
//!
//! What the engine adds to that for every request can be switched on: then a run with all of it, beside one with all but one, tells
//! what that one costs. What is off is not compiled into the loop.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::Halt;
use super::in_flight::{Batch, BatchMemory, InFlight};
use crate::measure::clock::Clock;
use crate::measure::histogram::Histogram;
use crate::protocol::h1::response::{Heads, Parser, Step};
use crate::ring::cpu::{self, CpuTime};
use crate::ring::{Completion, Counters, Ring, Tx, Wait};

/// What is on beside the bare ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extras {
    /// Nothing: the floor.
    None,
    /// Answers are parsed, requests stamped, and their times recorded.
    All,
    /// All but the parser: answers are told apart by their length.
    NoParse,
    /// All but the stamps: the clock is read once a turn, and what is recorded is no time.
    NoStamps,
    /// All but the histogram.
    NoHistogram,
}

/// What a bare loop is to do.
#[derive(Debug, Clone)]
pub struct Bare {
    /// Connections kept open.
    pub connections: usize,
    /// The run's number of the first of them.
    pub first_connection: usize,
    /// How many addresses there are to connect to.
    pub remotes: usize,
    /// Requests of one send; the next leaves when all are answered.
    pub pipeline: u32,
    /// Bytes of one request; the ring's payload begins with `pipeline` of them.
    pub request_bytes: usize,
    /// Load before the window, ns.
    pub warmup_ns: u64,
    /// The window, ns.
    pub duration_ns: u64,
    /// Completions that an enter waits for.
    pub want: usize,
}

/// What it did in its window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bared {
    /// Requests answered.
    pub requests: u64,
    /// The window's length, ns.
    pub elapsed_ns: u64,
    /// CPU time of its thread.
    pub used: CpuTime,
    /// The ring's counts.
    pub ring: Counters,
    /// Time between enters, ns: what the loop itself takes, without the kernel's noise. Of the floor, which is to read the clock no more
    /// than it must, it is not taken and 0.
    pub outside_ns: u64,
}

/// An enter lasts no longer than this, so that a halt is seen; and the first answer must come within the second.
const PATIENCE: Duration = Duration::from_millis(20);
const FIRST_ANSWER_NS: u64 = 30_000_000_000;

/// Runs `job` on `ring`. The server must keep connections open and answer always the same length.
///
/// # Errors
/// The ring failed, or the server does not behave so; says what happened.
pub fn bare<R: Ring, C: Clock>(
    job: &Bare,
    extras: Extras,
    ring: &mut R,
    clock: &C,
    halt: &Halt,
) -> Result<Bared, String> {
    match extras {
        Extras::None => Loop::<R, C, false, false, false>::new(job, ring, clock)?.run(halt),
        Extras::All => Loop::<R, C, true, true, true>::new(job, ring, clock)?.run(halt),
        Extras::NoParse => Loop::<R, C, false, true, true>::new(job, ring, clock)?.run(halt),
        Extras::NoStamps => Loop::<R, C, true, false, true>::new(job, ring, clock)?.run(halt),
        Extras::NoHistogram => Loop::<R, C, true, true, false>::new(job, ring, clock)?.run(halt),
    }
}

/// One connection.
#[derive(Default)]
struct Line {
    /// Bytes and answers that are still to come.
    bytes: u64,
    answers: u32,
    parser: Parser,
    window: InFlight,
}

struct Loop<'a, R, C, const PARSE: bool, const STAMPS: bool, const HISTOGRAM: bool> {
    job: &'a Bare,
    ring: &'a mut R,
    clock: &'a C,
    /// Bytes of one answer.
    answer: u64,
    lines: Vec<Line>,
    heads: Heads,
    flights: BatchMemory,
    times: Histogram,
    to_open: Vec<u32>,
    to_send: Vec<u32>,
    unstamped: Vec<u32>,
    /// Since the window began.
    received: u64,
    answered: u64,
    outside_ns: u64,
}

impl<'a, R: Ring, C: Clock, const PARSE: bool, const STAMPS: bool, const HISTOGRAM: bool>
    Loop<'a, R, C, PARSE, STAMPS, HISTOGRAM>
{
    /// Whether time between enters is taken.
    const TIMED: bool = PARSE || STAMPS || HISTOGRAM;

    /// Opens the first connection and learns from its first answer how long they are.
    fn new(job: &'a Bare, ring: &'a mut R, clock: &'a C) -> Result<Self, String> {
        let mut heads = Heads::of_one(false);
        let answer = answer_bytes(job, ring, clock, &mut heads)?;
        let lines = (0..job.connections).map(|_| Line::default()).collect();
        Ok(Loop {
            job,
            ring,
            clock,
            answer,
            lines,
            heads,
            flights: BatchMemory::new(job.connections, 1),
            times: Histogram::new(),
            to_open: (1..job.connections as u32).rev().collect(),
            to_send: Vec::with_capacity(job.connections),
            unstamped: Vec::with_capacity(job.connections),
            received: 0,
            answered: 0,
            outside_ns: 0,
        })
    }

    fn run(mut self, halt: &Halt) -> Result<Bared, String> {
        self.refill(0);
        let mut now = self.clock.now();
        let begins_at = now + self.job.warmup_ns;
        let ends_at = begins_at + self.job.duration_ns;
        while now < begins_at && halt.load(Relaxed) == 0 {
            now = self.turn(now)?;
        }
        (self.received, self.answered, self.outside_ns) = (0, 0, 0);
        let (began_at, used, ring) = (now, cpu::of_this_thread(), self.ring.counters());
        while now < ends_at && halt.load(Relaxed) == 0 {
            now = self.turn(now)?;
        }
        // So that nothing recorded is found to be of no use.
        std::hint::black_box(&self.times);
        Ok(Bared {
            requests: if PARSE { self.answered } else { self.received / self.answer },
            elapsed_ns: now - began_at,
            used: cpu::of_this_thread().since(used),
            ring: self.ring.counters().since(ring),
            outside_ns: self.outside_ns,
        })
    }

    /// One turn, `now` being when the last enter returned; tells when this one's did.
    #[inline]
    fn turn(&mut self, now: u64) -> Result<u64, String> {
        self.reap(now)?;
        while self.ring.room() > 64
            && let Some(slot) = self.to_open.pop()
        {
            let remote = (self.job.first_connection + slot as usize) % self.job.remotes;
            self.ring.connect(slot, remote).map_err(|error| format!("cannot connect: {error}"))?;
        }
        let bytes = self.job.request_bytes * self.job.pipeline as usize;
        let batch = Batch { intended_at: now, count: self.job.pipeline as u16, ..Batch::default() };
        while self.ring.room() > 1
            && let Some(slot) = self.to_send.pop()
        {
            self.ring.send(slot, Tx::Fixed(0..bytes), false);
            if STAMPS {
                self.lines[slot as usize].window.push(batch, self.flights.of(slot));
                self.unstamped.push(slot);
            }
        }
        let mut sent_at = now;
        if STAMPS {
            sent_at = self.clock.now();
            for &slot in &self.unstamped {
                self.lines[slot as usize].window.stamp(sent_at, self.flights.of(slot), |_| {});
            }
            self.unstamped.clear();
        }
        if Self::TIMED {
            self.outside_ns += self.clock.now() - now;
        }
        self.ring.enter(self.job.want, Wait::lasting(sent_at, PATIENCE)).map_err(|error| super::turn::lost(&error))?;
        Ok(self.clock.now())
    }

    #[inline]
    fn reap(&mut self, now: u64) -> Result<(), String> {
        while let Some(completion) = self.ring.next() {
            let slot = match completion {
                Completion::Received { slot, bytes } => {
                    let line = &mut self.lines[slot as usize];
                    self.received += bytes.len() as u64;
                    let answers = if PARSE {
                        parsed(&mut line.parser, bytes, &mut self.heads)?
                    } else if STAMPS || HISTOGRAM {
                        line.bytes = line.bytes.saturating_sub(bytes.len() as u64);
                        match line.bytes {
                            0 => line.answers,
                            left => line.answers - left.div_ceil(self.answer).min(u64::from(line.answers)) as u32,
                        }
                    } else {
                        line.bytes = line.bytes.saturating_sub(bytes.len() as u64);
                        if line.bytes == 0 { line.answers } else { 0 }
                    };
                    let answers = answers.min(line.answers);
                    line.answers -= answers;
                    self.answered += u64::from(answers);
                    let mut ns = self.received & 0xffff;
                    if STAMPS {
                        for _ in 0..answers {
                            ns = now.saturating_sub(line.window.pop(self.flights.of(slot)).sent_at);
                        }
                    }
                    if HISTOGRAM {
                        // As the engine does it, where all of a read were sent together.
                        self.times.record_n(ns, u64::from(answers));
                    }
                    if line.answers > 0 {
                        continue;
                    }
                    slot
                }
                Completion::Connected { slot } => slot,
                other => return Err(unexpected(&other)),
            };
            self.refill(slot);
        }
        Ok(())
    }

    #[inline]
    fn refill(&mut self, slot: u32) {
        let line = &mut self.lines[slot as usize];
        line.answers = self.job.pipeline;
        line.bytes = self.answer * u64::from(self.job.pipeline);
        self.to_send.push(slot);
    }
}

/// Answers that end in `bytes`.
#[inline]
fn parsed(parser: &mut Parser, mut bytes: &[u8], heads: &mut Heads) -> Result<u32, String> {
    let mut answers = 0;
    while !bytes.is_empty() {
        let (used, step) = parser.feed(bytes, heads);
        bytes = &bytes[used..];
        match step {
            Step::Whole(answer) if answer.keep_alive => answers += 1,
            Step::Partial => {}
            Step::Whole(_) => return Err("the server ends connections".into()),
            Step::Refused(error) => return Err(format!("the server's answer is no HTTP: {}", error.reason())),
        }
    }
    Ok(answers)
}

/// Connects slot 0, sends one request, and counts the bytes of its answer.
fn answer_bytes<R: Ring, C: Clock>(job: &Bare, ring: &mut R, clock: &C, heads: &mut Heads) -> Result<u64, String> {
    let (mut parser, mut bytes) = (Parser::default(), 0);
    let lost = |error| super::turn::lost(&error);
    ring.connect(0, job.first_connection % job.remotes).map_err(|error| format!("cannot connect: {error}"))?;
    let gives_up_at = clock.now() + FIRST_ANSWER_NS;
    loop {
        let now = clock.now();
        if now > gives_up_at {
            return Err("the server did not answer".into());
        }
        ring.enter(1, Wait::lasting(now, PATIENCE)).map_err(lost)?;
        let mut send = false;
        while let Some(completion) = ring.next() {
            match completion {
                Completion::Connected { .. } => send = true,
                Completion::Received { bytes: got, .. } => {
                    bytes += got.len() as u64;
                    if parsed(&mut parser, got, heads)? > 0 {
                        return Ok(bytes);
                    }
                }
                other => return Err(unexpected(&other)),
            }
        }
        if send {
            ring.send(0, Tx::Fixed(0..job.request_bytes), false);
        }
    }
}

fn unexpected(completion: &Completion<'_>) -> String {
    match completion {
        Completion::ConnectFailed { error, .. } => format!("cannot connect: {error}"),
        Completion::Ended { error: Some(error), .. } | Completion::SendFailed { error, .. } => {
            format!("a connection broke: {error}")
        }
        Completion::Ended { .. } => "the server ended a connection".into(),
        other => format!("the ring says {other:?}, which nobody asked for"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Job;
    use crate::worker::fake::{Deed, Fake, Manners, requests};

    fn run(seed: u64, pipeline: u32, extras: Extras, manners: Manners) -> (Result<Bared, String>, u64) {
        let job = crate::worker::tests::job();
        // It has no timeouts to keep, and its first answer may be long in coming.
        let hour = 3_600_000_000_000;
        let job = Job {
            connections: 5,
            pipeline,
            timeout_ns: hour,
            duration_ns: Some(hour),
            layout: requests::fixed(0, pipeline),
            ..job
        };
        let mut fake = Fake::new(seed, job.clone(), manners);
        let (clock, halt) = (fake.time.clone(), fake.halt.clone());
        let bare_job = Bare {
            connections: 5,
            first_connection: 0,
            remotes: 1,
            pipeline,
            request_bytes: job.layout.set().entries[0].range.len(),
            warmup_ns: 0,
            duration_ns: 50_000_000,
            want: 1,
        };
        let done = bare(&bare_job, extras, &mut fake, &clock, &halt);
        (done, fake.record.answers)
    }

    #[test]
    fn every_answer_counts_once() {
        for seed in 0..60 {
            for extras in [Extras::All, Extras::NoStamps, Extras::NoHistogram] {
                let pipeline = [1, 2, 16][seed as usize % 3];
                let (done, answers) = run(seed, pipeline, extras, Manners::good());
                let done = done.expect("a good server");
                // The first answer told only how long answers are, and what the last enter brought came after the window.
                let last = u64::from(pipeline) * 5 + 1;
                assert!(
                    done.requests > 100 && (done.requests..=done.requests + last).contains(&answers),
                    "seed {seed}"
                );
                assert!(done.elapsed_ns >= 50_000_000 && done.ring.enters > 0, "seed {seed}: {done:?}");
            }
        }
    }

    #[test]
    fn a_server_that_does_not_behave_is_told_of() {
        for (deed, words) in [
            (Deed::Garbage, "the server's answer is no HTTP"),
            (Deed::Announce, "the server ends connections"),
            (Deed::Stall, "the server did not answer"),
        ] {
            let manners = Manners { deeds: vec![(deed, 1)], ..Manners::good() };
            let (done, _) = run(1, 1, Extras::None, manners);
            let message = done.expect_err(words);
            assert!(message.starts_with(words), "{message}");
        }
    }
}
