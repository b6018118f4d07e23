//! Patience counts from when the process could act, and what has completed is taken before anybody is given up.

use super::*;
use crate::measure::counters::ConnectFailures;
use crate::result::{CutShort, NoProgress};
use crate::worker::fake::{Action, ConnectOutcome};

/// Stopped for longer than the timeout while requests are in flight, and once more while the backlog is taken.
fn stopped(seed: u64, job: Job) -> Fake {
    let mut fake = Fake::new(seed, job, Behaviour { delay_ns: MS..2 * MS, split: 0, ..Behaviour::good() });
    let at = seed % 9 * MS / 2;
    fake.stops = [(at, 80 * MS), (at + 100 * MS, 45 * MS)].map(|(at, ns)| (fake.at(at), ns)).into();
    fake
}

#[test]
fn what_came_while_the_process_stood_still_is_taken_before_anybody_is_given_up() {
    for_seeds(40, |seed| {
        // More than the kernel hands out at a time.
        let job = Job { connections: 1 + (seed % 3) as usize * 50, timeout_ns: 60 * MS, ..job_of(seed) };
        let job = Job { duration_ns: Some(230 * MS), ..job };
        let Ran { done, .. } = run(stopped(seed, job));
        let stats = &done.stats;
        assert_eq!((stats.requests.failed, done.cut_short), (0, None), "{:?}", stats.errors);
        assert_eq!(stats.connections.failed.timeout, 0);
        assert!(stats.requests.completed > 0);
        let longest = 80 * MS - 20 * MS..=80 * MS + MS;
        assert!(longest.contains(&done.usage.stopped_longest_ns), "{:?}", done.usage);
        let sum = 125 * MS - 40 * MS..=125 * MS + 2 * MS;
        assert!(sum.contains(&done.usage.stopped_ns), "{:?}", done.usage);
    });
}

#[test]
fn a_process_stopped_while_it_connects_gives_nobody_up() {
    for_seeds(60, |seed| {
        let job = Job { connections: 1 + (seed % 40) as usize, timeout_ns: 30 * MS, ..job() };
        let delay_ns = 5 * MS..20 * MS;
        let mut fake = Fake::new(seed, job, Behaviour { delay_ns, split: 0, ..Behaviour::good() });
        fake.stops = [(fake.at(seed % 20 * MS), 60 * MS)].into();
        let Ran { done, .. } = run(fake);
        assert_eq!(done.cut_short, None);
        assert_eq!((done.stats.connections.failed.timeout, done.stats.requests.failed), (0, 0));
        assert!(done.stats.connections.established > 0);
    });
}

/// The end came just after its answer, and was only seen after the stop: the request that was sent in between was never owed one.
#[test]
fn an_end_that_is_seen_late_as_the_process_stood_still_belongs_to_its_answer() {
    for_seeds(200, |seed| {
        let actions = vec![(Action::AnswerAndEnd, 1)];
        let behaviour = Behaviour { actions, delay_ns: 500_000..MS, split: 0, ..Behaviour::good() };
        let job = Job { connections: 4, duration_ns: Some(SECOND), timeout_ns: 2 * SECOND, ..job() };
        let mut fake = Fake::new(seed, job, behaviour);
        fake.stops = (0..3).map(|at| (fake.at((50 + 250 * at) * MS + seed * 13_000), 150 * MS)).collect();
        let Ran { done, .. } = run(fake);
        assert_eq!((done.stats.requests.failed, done.cut_short), (0, None), "{:?}", done.stats.errors);
        assert!(done.stats.anomalies.close_unannounced > 100, "{:?}", done.stats.anomalies);
    });
}

#[test]
fn a_stop_lengthens_patience_and_ends_none() {
    for_seeds(40, |seed| {
        // Its answers never come: each is given up, later by as long as the process stood still.
        let behaviour = Behaviour { actions: vec![(Action::Stall, 1)], ..Behaviour::good() };
        let job = Job { connections: 1, duration_ns: Some(250 * MS), ..job() };
        let mut fake = Fake::new(seed, job, behaviour);
        fake.stops = [(fake.at(10 * MS), 100 * MS)].into();
        let Ran { done, fake } = run(fake);
        assert!(done.stats.errors.timeout >= 2, "{:?}", done.stats.errors);
        let waits: Vec<u64> = fake.record.waits.iter().map(|wait| wait / MS).collect();
        assert!((130..=162).contains(&waits[0]) && waits[1] == 50, "{waits:?}");
    });
}

#[test]
fn of_a_stop_across_the_end_of_the_warm_up_only_what_is_inside_counts() {
    for_seeds(40, |seed| {
        let job = Job { warmup_ns: 50 * MS, timeout_ns: 30 * MS, duration_ns: Some(200 * MS), ..job() };
        let mut fake = Fake::new(seed, job.clone(), Behaviour::good());
        fake.stops = [(fake.at(40 * MS), 100 * MS)].into();
        let (time, starts_at, control) = (fake.time.clone(), fake.starts_at, fake.control.clone());
        let done = work(&job, starts_at, &mut fake, &time, &Progress::default(), &control);
        assert!((89 * MS..=91 * MS).contains(&done.usage.stopped_ns), "{:?}", done.usage);
        assert_eq!(done.stats.requests.failed, 0);
    });
}

#[test]
fn a_worker_that_starts_late_stood_still() {
    let fake = &mut Fake::new(40, job(), Behaviour::good());
    let (job, time, control) = (fake.job.clone(), fake.time.clone(), fake.control.clone());
    let starts_at = time.last() - 40 * MS;
    let done = work(&job, starts_at, fake, &time, &Progress::default(), &control);
    assert!((40 * MS..41 * MS).contains(&done.usage.stopped_longest_ns), "{:?}", done.usage);
}

/// Held by `check`: each attempt whose time is over at the run's end is counted, whatever ends it and when.
#[test]
fn each_connect_that_expired_is_counted_whatever_the_order_of_events() {
    for_seeds(120, |seed| {
        let timeout_ns = [10 * MS, 50 * MS, 150 * MS][(seed % 3) as usize];
        // Around the instant at which attempts expire, in steps finer than the wheel's.
        let duration_ns = timeout_ns + seed * 3_000;
        let job = Job { connections: 1 + (seed % 90) as usize, timeout_ns, duration_ns: Some(duration_ns), ..job() };
        let mut fake =
            Fake::new(seed, job, Behaviour { outcomes: vec![(ConnectOutcome::Silent, 1)], ..Behaviour::good() });
        if seed % 5 == 0 {
            fake.halt_at = Some(fake.at(timeout_ns + seed * 7_000));
        }
        let Ran { done, .. } = run(fake);
        if done.elapsed_ns > timeout_ns + 200_000 {
            assert!(done.stats.connections.failed.timeout > 0, "{:?}", done.stats.connections);
        }
    });
}

#[test]
fn nobody_there_is_told_after_all_attempts_of_the_beginning_have_expired() {
    for_seeds(30, |seed| {
        let connections = 1 + (seed * 7 % 400) as usize;
        let timeout_ns = [100 * MS, 500 * MS][(seed % 2) as usize];
        let job = Job { connections, timeout_ns, duration_ns: Some(3 * timeout_ns), ..job() };
        let mut fake =
            Fake::new(seed, job, Behaviour { outcomes: vec![(ConnectOutcome::Silent, 1)], ..Behaviour::good() });
        fake.late_ns = 0..400_000;
        let Ran { done, .. } = run(fake);
        assert_eq!(done.cut_short, Some(CutShort::NoConnection));
        assert!(done.stats.connections.failed.timeout >= connections as u64, "{:?}", done.stats.connections);
    });
}

#[test]
fn a_counted_run_without_a_whole_answer_ends_and_says_what_it_tried() {
    type Tried = fn(&NoProgress) -> bool;
    let none = ConnectFailures::default();
    let table: [(ConnectOutcome, Action, Tried); 6] = [
        (ConnectOutcome::Opens, Action::Stall, |t| t.sent > 0 && t.failed.timeout == t.failed.total()),
        (ConnectOutcome::Opens, Action::PartAndReset, |t| t.sent > 0 && t.failed.reset == t.failed.total()),
        (ConnectOutcome::Opens, Action::Garbage, |t| t.sent > 0 && t.failed.protocol == t.failed.total()),
        (ConnectOutcome::Refused, Action::Vanish, |t| t.connects.refused == t.connects.total()),
        (ConnectOutcome::NoLocalPort, Action::Vanish, |t| t.connects.no_local_port == t.connects.total()),
        (ConnectOutcome::NoSocket, Action::Vanish, |t| t.connects.no_descriptor == t.connects.total()),
    ];
    for (at, (outcome, action, is_told)) in table.into_iter().enumerate() {
        for_seeds(6, |seed| {
            let patience_ns = [SECOND, 5 * SECOND][(seed % 2) as usize];
            let job = Job { duration_ns: None, requests: Some(1 << 40), patience_ns: Some(patience_ns), ..job() };
            let mut fake = Fake::new(seed, job, Behaviour::good());
            let gone = Behaviour {
                outcomes: vec![(outcome, 1)],
                actions: vec![(action, 1)],
                delay_ns: MS..2 * MS,
                split: 0,
                ..Behaviour::good()
            };
            fake.later = vec![(fake.at(50 * MS), gone)];
            let Ran { done, .. } = run(fake);
            let Some(CutShort::NoProgress(tried)) = done.cut_short else { panic!("{at}: {:?}", done.cut_short) };
            let some = tried.failed.total() > 0 || tried.connects != none;
            assert!(tried.for_ns == patience_ns && some && is_told(&tried), "{at}: {tried:?}");
            assert!((patience_ns..patience_ns + 400 * MS).contains(&done.elapsed_ns), "{} ns", done.elapsed_ns);
            assert!(done.stats.requests.completed > 0);
        });
    }
}

#[test]
fn patience_is_longer_by_what_the_process_stood_still() {
    for_seeds(20, |seed| {
        let job = Job { duration_ns: None, requests: Some(2_000), patience_ns: Some(SECOND), ..job() };
        let mut fake = Fake::new(seed, job, Behaviour::good());
        fake.stops = [(fake.at(10 * MS), 3 * SECOND)].into();
        let Ran { done, .. } = run(fake);
        assert_eq!((done.cut_short, done.stats.requests.completed), (None, 2_000));
    });
}

/// A rate so low that nothing is due for longer than the patience.
#[test]
fn where_nothing_is_due_there_is_nothing_to_wait_for() {
    use crate::measure::schedule::Arrivals;
    let mut job = super::open::open_job(0.5, Arrivals::Constant);
    (job.duration_ns, job.requests, job.patience_ns) = (None, Some(4), Some(SECOND));
    let Ran { done, .. } = run(Fake::new(1, job, Behaviour::good()));
    assert_eq!((done.cut_short, done.stats.requests.completed), (None, 4));
}
