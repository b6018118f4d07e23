//! Sums, exact counts and limits. What [`check`](super::check) holds is held in each of these, too.

use super::*;

#[test]
fn nothing_is_lost_or_counted_twice_whatever_the_server_does() {
    for_seeds(250, |seed| {
        let mut fake = Fake::new(seed, job_of(seed), Behaviour::hostile(seed));
        fake.rooms = [512..513, 0..4][(seed % 2) as usize].clone();
        fake.failed_sends = seed % 5;
        let ran = run(fake);
        assert!(ran.done.elapsed_ns == 100 * MS || nobody_was_there(&ran));
    });
}

#[test]
fn a_good_server_gets_no_failure_to_its_name() {
    for_seeds(50, |seed| {
        let job = Job { timeout_ns: 2 * SECOND, ..job_of(seed) };
        let Ran { done, fake } = run_job(seed, job, Behaviour::good());
        let stats = &done.stats;
        assert_eq!((stats.requests.failed, stats.requests.discarded), (0, 0));
        assert_eq!(stats.connections.answered, fake.job.connections as u64);
        assert!(stats.requests.completed > 20, "{:?}", stats.requests);
    });
}

#[test]
fn a_count_is_exact_whatever_the_server_does() {
    for_seeds(120, |seed| {
        let count = 1 + seed * 4;
        let job = Job { duration_ns: None, requests: Some(count), ..job_of(seed) };
        let ran = run_job(seed, job, Behaviour::hostile(seed));
        let requests = ran.done.stats.requests;
        assert!(requests.completed + requests.failed == count || nobody_was_there(&ran), "{requests:?}");
        assert_eq!(requests.in_flight_at_end, 0);
    });
}

#[test]
fn of_count_and_time_the_first_ends_it() {
    for_seeds(20, |seed| {
        let job = Job { requests: Some(20), ..job() };
        let few = run_job(seed, job.clone(), Behaviour::good());
        assert_eq!(few.done.stats.requests.completed, 20);
        assert!(few.done.elapsed_ns < 100 * MS);
        let many = run_job(seed, Job { requests: Some(1_000_000), ..job }, Behaviour::good());
        assert_eq!(many.done.elapsed_ns, 100 * MS);
        assert!(many.done.stats.requests.completed < 1_000_000);
    });
}

/// That no more are in flight is held by the fake.
#[test]
fn all_places_of_all_connections_are_used() {
    for_seeds(50, |seed| {
        let behaviour = Behaviour { delay_ns: 500_000..500_001, split: 0, ..Behaviour::good() };
        let mut fake = Fake::new(seed, Job { connections: 9, pipeline: 4, ..job() }, behaviour);
        // A queue shorter than the list of connections only takes more turns.
        fake.rooms = [512..513, 1..2, 0..3][(seed % 3) as usize].clone();
        assert_eq!(run(fake).fake.record.most_in_flight, 36);
    });
}

#[test]
fn a_connection_carries_as_many_requests_as_allowed_and_is_replaced() {
    for_seeds(30, |seed| {
        let limit = 1 + seed % 5;
        let job = Job { requests_per_connection: Some(limit), pipeline: 1 + (seed % 3) as u32, ..job() };
        let Ran { done, fake } = run_job(seed, job, Behaviour::good());
        let (stats, connections) = (&done.stats, fake.job.connections as u64);
        assert_eq!((stats.requests.failed, stats.requests.discarded), (0, 0));
        // All but the last connection of each slot are used up.
        let used_up = (stats.connections.established + stats.connections.reconnects - connections) * limit;
        assert!((used_up..=used_up + connections * limit).contains(&stats.requests.sent), "{stats:?}");
        assert!(stats.connections.reconnects > 5);
    });
}
