//! The loop against a seeded fake ring, and the connection's state machine by tables.

mod confirmed;
mod connection;
mod control;
mod counts;
mod endings;
mod failures;
mod latency;
mod mixes;
mod open;
mod outage;
mod patience;
mod replaced;
mod series;
mod tls;
mod usage;

use std::collections::BTreeSet;

use super::checks::Checks;
use super::fake::{Behaviour, Fake, requests};
use super::{Done, Job, Progress, work};
use crate::measure::counters::{Connections, Requests};
use crate::result::CutShort;
use crate::worker::fake::Record;
use crate::worker::stats::WorkerStats;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// Names the seed when the test that holds it panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

/// Runs `test` for each of so many seeds, a third of them unless `SATURING_TEST_SEEDS` is `all`, and names the one that fails.
fn for_seeds(count: u64, test: impl Fn(u64)) {
    let all = std::env::var("SATURING_TEST_SEEDS").is_ok_and(|seeds| seeds == "all");
    for seed in 0..if all { count } else { count.div_ceil(3) } {
        let _named = Named(seed);
        test(seed);
    }
}

/// Two connections for 100 ms, one request each in flight.
pub(super) fn job() -> Job {
    Job {
        connections: 2,
        first_connection: 0,
        remotes: 1,
        pipeline: 1,
        requests_per_connection: None,
        resets: false,
        timeout_ns: 50 * MS,
        drain_ns: 20 * MS,
        halted_drain_ns: 20 * MS,
        open: None,
        warmup_ns: 0,
        interval_ns: 1_000 * MS,
        duration_ns: Some(100 * MS),
        requests: None,
        patience_ns: Some(30 * SECOND),
        layout: requests::fixed(0, 1),
        checks: Checks::default(),
        tls: None,
        worker: (0, 1),
        unix_ns: 0,
        unrecorded: false,
    }
}

/// Jobs of all shapes by time.
fn job_of(seed: u64) -> Job {
    let pipeline = [1, 2, 16][(seed % 3) as usize];
    let body = [0, 0, 9_000][(seed / 7 % 3) as usize];
    Job {
        connections: 1 + (seed % 7) as usize,
        first_connection: (seed % 3) as usize,
        remotes: 1 + (seed % 2) as usize,
        pipeline,
        layout: requests::fixed(body, pipeline),
        requests_per_connection: [None, None, Some(1), Some(5)][(seed / 3 % 4) as usize],
        timeout_ns: [7 * MS, 50 * MS, 2 * SECOND][(seed / 5 % 3) as usize],
        ..job()
    }
}

/// What came of a run.
struct Ran {
    done: Done,
    fake: Fake,
}

/// Runs the fake's job and holds the figures against its record.
fn run(mut fake: Fake) -> Ran {
    if fake.job.layout.pipeline() != fake.job.pipeline {
        fake.job.layout = requests::fixed(0, fake.job.pipeline);
    }
    let (job, clock, control) = (fake.job.clone(), fake.time.clone(), fake.control.clone());
    let starts_at = fake.starts_at;
    let done = work(&job, starts_at, &mut fake, &clock, &Progress::default(), &control);
    let ran = Ran { done, fake };
    check(&ran);
    ran
}

fn run_job(seed: u64, job: Job, behaviour: Behaviour) -> Ran {
    run(Fake::new(seed, job, behaviour))
}

/// Whether it was cut short, which it must not be but for want of a single connection.
fn nobody_was_there(Ran { done, fake }: &Ran) -> bool {
    if let Some(why) = &done.cut_short {
        assert_eq!((why, fake.record.opened), (&CutShort::NoConnection, 0));
    }
    done.cut_short.is_some()
}

/// What holds whatever kernel and server do.
fn check(Ran { done, fake }: &Ran) {
    let (stats, record) = (&done.stats, &fake.record);
    let (requests, errors) = (stats.requests, stats.errors);
    let Requests { sent, completed, failed, discarded, in_flight_at_end, .. } = requests;
    assert_eq!(sent, completed + failed + discarded + in_flight_at_end, "{requests:?}");
    assert_eq!(
        failed,
        errors.reset + errors.eof_mid_response + errors.timeout + errors.protocol + errors.check + errors.other
    );
    assert_eq!(errors.protocol, stats.protocol_reasons.iter().sum::<u64>());
    assert_eq!(completed, stats.status.iter().sum::<u64>());
    check_kinds(stats, record);

    assert_eq!(sent, record.requests, "requests the server received");
    assert_eq!(completed + errors.check, record.answers, "answers it delivered whole");
    // In open loop everything counts until the connections close.
    let unanswered = if fake.job.open.is_some() && !record.over { in_flight_at_end } else { 0 };
    let given_up = failed - errors.check + discarded + unanswered;
    assert_eq!(given_up, record.given_up, "requests it owed an answer when their connection was given up");
    assert_eq!((stats.bytes.sent, stats.bytes.received), (record.request_bytes, record.answer_bytes));

    let (service, first_byte) = (stats.latencies.service(), stats.latencies.first_byte());
    assert_eq!(service.count(), completed, "each answer is one sample");
    if errors.check == 0 {
        assert_eq!(service.summary(None), record.service.summary(None), "done - sent");
    }
    assert_eq!(first_byte.count(), completed + requests.begun, "each answer that began has a first byte");
    if requests.begun == 0 && errors.check == 0 {
        assert_eq!(first_byte.summary(None), record.first_byte.summary(None), "first byte - sent");
    }

    let Connections { established, answered, reconnects, not_begun, unfinished, .. } = stats.connections;
    let failed_only =
        Connections { established: 0, answered: 0, reconnects: 0, not_begun: 0, unfinished: 0, ..stats.connections };
    let tried: BTreeSet<u32> = record.attempts.iter().map(|(slot, ..)| *slot).collect();
    assert_eq!(not_begun, (fake.job.connections - tried.len()) as u64, "slots that were never tried");
    assert!(unfinished + established <= tried.len() as u64, "{:?}", stats.connections);
    assert_eq!(established + reconnects, record.opened, "{:?}", stats.connections);
    assert!(answered <= established && established <= fake.job.connections as u64, "{:?}", stats.connections);
    // What was still on its way at the end had failed if its time was over.
    let ends_at =
        if fake.job.open.is_some() { fake.time.last() } else { fake.at(fake.job.warmup_ns + done.elapsed_ns) };
    let expired = record.given_up_connects.iter().filter(|since| *since + fake.job.timeout_ns <= ends_at).count();
    let mut failed = record.connections;
    failed.failed.timeout += expired as u64;
    assert_eq!(failed_only, failed, "failed attempts");
    assert_eq!(stats.connect.count(), record.opened);
    assert!(fake.all_closed(), "every slot is closed at the end");
}

/// The books balance in each kind, and are the server's.
fn check_kinds(stats: &WorkerStats, record: &Record) {
    if stats.kinds.is_empty() {
        return;
    }
    for (kind, [sent, answered, _]) in stats.kinds.iter().zip(&record.of_kind) {
        let Requests { sent: counted, completed, failed, discarded, in_flight_at_end, .. } = kind.requests;
        assert_eq!(counted, completed + failed + discarded + in_flight_at_end, "{:?}", kind.requests);
        assert_eq!((counted, completed + kind.errors.check), (*sent, *answered));
        assert_eq!(kind.errors.total(), failed);
        assert_eq!((kind.service.count(), kind.status.iter().sum::<u64>()), (completed, completed));
    }
    let sums = |of: fn(&Requests) -> u64| stats.kinds.iter().map(|kind| of(&kind.requests)).sum::<u64>();
    let whole = &stats.requests;
    assert_eq!((sums(|of| of.sent), sums(|of| of.completed)), (whole.sent, whole.completed));
    assert_eq!((sums(|of| of.failed), sums(|of| of.discarded)), (whole.failed, whole.discarded));
    assert_eq!(stats.kinds.iter().map(|kind| kind.body_bytes).sum::<u64>(), stats.bytes.body - begun_bytes(stats));
}

/// Bytes of answers that never ended belong to no kind.
fn begun_bytes(stats: &WorkerStats) -> u64 {
    if stats.requests.begun > 0 {
        stats.bytes.body - stats.kinds.iter().map(|kind| kind.body_bytes).sum::<u64>()
    } else {
        0
    }
}
