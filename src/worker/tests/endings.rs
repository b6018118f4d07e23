//! How a run ends: by time, by halt, by a broken ring, for want of a server.

use super::*;
use crate::result::CutShort;
use crate::worker::fake::{Action, ConnectOutcome};

/// That nothing is sent or opened afterwards is held by the fake.
#[test]
fn a_run_by_time_ends_to_the_nanosecond() {
    for_seeds(40, |seed| {
        let duration_ns = 30 * MS + seed * 777_777;
        let Ran { done, fake } =
            run_job(seed, Job { duration_ns: Some(duration_ns), ..job_of(seed) }, Behaviour::good());
        assert_eq!(done.elapsed_ns, duration_ns);
        assert!(fake.record.over);
    });
}

#[test]
fn what_is_in_flight_is_taken_off_the_wire_and_not_waited_for_longer_than_that() {
    for_seeds(40, |seed| {
        let mut fake = Fake::new(seed, Job { requests_per_connection: None, ..job_of(seed) }, Behaviour::good());
        fake.late_ns = 0..1;
        let Ran { done, fake } = run(fake);
        assert_eq!(fake.record.late_answers, done.stats.requests.in_flight_at_end, "the server's count and ours agree");
        assert_eq!(fake.unanswered(), 0);
        let drained = fake.time.last() - fake.at(100 * MS);
        assert!(drained < 20 * MS, "over as soon as nothing is in flight: {drained}");
    });
}

#[test]
fn a_server_that_stalls_is_drained_for_as_long_as_allowed() {
    for_seeds(40, |seed| {
        let drain_ns = [0, 5 * MS, 50 * MS][(seed % 3) as usize];
        let job = Job { drain_ns, timeout_ns: 2 * SECOND, ..job() };
        let Ran { done, fake } =
            run_job(seed, job, Behaviour { actions: vec![(Action::Stall, 1)], ..Behaviour::good() });
        assert_eq!(done.stats.requests.in_flight_at_end, 2);
        let drained = fake.time.last() - fake.at(100 * MS);
        assert!((drain_ns..drain_ns + 20_000).contains(&drained), "{drained} ns of {drain_ns}");
    });
}

#[test]
fn connections_that_never_got_their_turn_are_counted() {
    for_seeds(10, |seed| {
        let job = Job { connections: 2_000, duration_ns: Some(MS / 5), ..job() };
        let Ran { done, .. } = run_job(seed, job, Behaviour::good());
        let Connections { established, not_begun, unfinished, .. } = done.stats.connections;
        assert!(not_begun > 0, "there was time for all: {:?}", done.stats.connections);
        assert_eq!(established + not_begun + unfinished, 2_000);
    });
}

#[test]
fn a_halt_keeps_what_was_measured() {
    for_seeds(40, |seed| {
        let mut fake = Fake::new(seed, job_of(seed), Behaviour::good());
        let halt_at = 10 * MS + seed * 2 * MS;
        fake.halt_at = Some(fake.at(halt_at));
        let Ran { done, .. } = run(fake);
        assert_eq!(done.cut_short, None);
        let expected = halt_at.min(100 * MS);
        assert!((expected..expected + 21 * MS).contains(&done.elapsed_ns), "{} for {expected}", done.elapsed_ns);
        assert!(done.stats.requests.completed > 0);
    });
}

#[test]
fn a_halt_is_seen_while_nobody_answers() {
    for_seeds(20, |seed| {
        let stalls = Behaviour { actions: vec![(Action::Stall, 1)], ..Behaviour::good() };
        let mut fake = Fake::new(seed, Job { timeout_ns: 3600 * SECOND, duration_ns: None, ..job() }, stalls);
        fake.job.requests = Some(1000);
        fake.halt_at = Some(fake.at(7 * SECOND + 1));
        let Ran { done, .. } = run(fake);
        assert!((7 * SECOND..7 * SECOND + 21 * MS).contains(&done.elapsed_ns), "{}", done.elapsed_ns);
        assert_eq!(done.stats.requests.in_flight_at_end, 2);
    });
}

#[test]
fn a_ring_that_breaks_ends_the_run_with_all_counts_kept() {
    for_seeds(40, |seed| {
        let mut fake = Fake::new(seed, job_of(seed), Behaviour::hostile(seed));
        fake.breaks_at = Some(fake.at(seed * 2 * MS));
        let Ran { done, fake } = run(fake);
        assert!(matches!(done.cut_short, Some(CutShort::RingFailed(_))), "{:?}", done.cut_short);
        assert!(done.elapsed_ns < 100 * MS + 1);
        assert_eq!(done.stats.requests.completed, fake.record.answers);
    });
}

#[test]
fn without_a_server_it_ends_after_the_timeout() {
    for_seeds(60, |seed| {
        let outcome = [ConnectOutcome::Refused, ConnectOutcome::Silent, ConnectOutcome::NoSocket][(seed % 3) as usize];
        let timeout_ns = [50 * MS, 300 * MS, SECOND][(seed / 3 % 3) as usize];
        let by_count = seed % 2 == 0;
        let job = Job {
            timeout_ns,
            duration_ns: (!by_count).then_some(10 * SECOND),
            requests: by_count.then_some(1000),
            ..job()
        };
        let Ran { done, .. } = run_job(seed, job, Behaviour { outcomes: vec![(outcome, 1)], ..Behaviour::good() });
        let counts = done.stats.connections;
        assert!(counts.failed.total() >= 2, "each connection's failure is counted, and so told: {counts:?}");
        assert_eq!(done.cut_short, Some(CutShort::NoConnection));
        assert!((timeout_ns..timeout_ns + 121 * MS).contains(&done.elapsed_ns), "{} ns", done.elapsed_ns);
    });
}
