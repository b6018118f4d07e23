//! The account of a worker's time: exact, as time only passes where the fake lets it.

use super::*;
use crate::worker::fake::Action;

/// Each request is in flight from its stamp to its answer: the two sums are one.
#[test]
fn in_flight_by_time_is_the_sum_of_all_service_times() {
    for_seeds(60, |seed| {
        let job = Job { duration_ns: None, requests: Some(300 + seed), timeout_ns: 50 * SECOND, ..job_of(seed) };
        let Ran { done, fake } = run_job(seed, job, Behaviour { delay_ns: 50_000..3 * MS, ..Behaviour::good() });
        assert_eq!(done.stats.requests.completed, 300 + seed);
        assert_eq!(done.usage.in_flight_ns, fake.record.service_ns);
    });
}

#[test]
fn what_never_comes_is_in_flight_until_it_expires() {
    for_seeds(20, |seed| {
        let job = Job { connections: 1, duration_ns: Some(SECOND), ..job() };
        let behaviour = Behaviour { actions: vec![(Action::Stall, 1)], ..Behaviour::good() };
        let Ran { done, .. } = run_job(seed, job, behaviour);
        let (failed, usage) = (done.stats.requests.failed, done.usage);
        assert!(failed >= 5, "{failed}");
        // Each for the timeout, and as late as the wheel's tick and an enter; between two of them there is a connect.
        let least = u128::from(failed) * u128::from(50 * MS);
        assert!((least..u128::from(usage.span_ns)).contains(&usage.in_flight_ns), "{least} {usage:?}");
    });
}

#[test]
fn time_is_spent_in_enters_but_for_the_readings_of_the_clock() {
    for_seeds(40, |seed| {
        let Ran { done, fake } = run_job(seed, job_of(seed), Behaviour::good());
        let usage = done.usage;
        assert_eq!(usage.span_ns, 100 * MS);
        // Outside an enter the fake's time passes by a nanosecond for each reading.
        let outside = usage.span_ns - usage.entered_ns;
        let turns = crate::ring::Ring::counters(&fake).enters;
        assert!(outside >= 1 && outside <= 20 * turns + 10, "{outside} ns in {turns} turns");
    });
}

#[test]
fn of_the_warm_up_nothing_is_in_the_account() {
    for_seeds(40, |seed| {
        let job = Job { warmup_ns: 80 * MS, duration_ns: Some(40 * MS), ..job() };
        let mut fake = Fake::new(seed, job.clone(), Behaviour { delay_ns: MS..MS + 1, split: 0, ..Behaviour::good() });
        let (time, starts_at, control) = (fake.time.clone(), fake.starts_at, fake.control.clone());
        let done = work(&job, starts_at, &mut fake, &time, &Progress::default(), &control);
        let usage = done.usage;
        assert_eq!(usage.span_ns, 40 * MS, "the window, to the nanosecond");
        assert!(usage.entered_ns <= usage.span_ns, "{usage:?}");
        // Two connections that are never without a request for longer than a turn.
        let in_flight = usage.in_flight_ns as f64 / usage.span_ns as f64;
        assert!(in_flight > 1.9 && in_flight <= 2.0, "{in_flight}");
    });
}
