//! What is known of a server that goes away, and that one which only replaces connections is not taken for it.

use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::measure::outage::Gaps;
use crate::worker::fake::{Action, ConnectOutcome};

/// Nobody listens any more, and what was open is ended.
fn gone() -> Behaviour {
    Behaviour { outcomes: vec![(ConnectOutcome::Refused, 1)], actions: vec![(Action::Vanish, 1)], ..Behaviour::good() }
}

#[test]
fn a_server_that_dies_is_down_from_then_on() {
    for_seeds(40, |seed| {
        let mut fake = Fake::new(seed, job_of(seed), Behaviour::good());
        fake.later = vec![(fake.at(50 * MS), gone())];
        let Ran { done, fake } = run(fake);
        let ending = done.ending;
        assert!(ending.away, "{ending:?}");
        assert!(ending.misses.events >= 3 && ending.owed_since == Some(fake.starts_at), "{ending:?}");
        let down_ns = done.gaps.total_ns();
        // What was on its way at 50 ms comes first, at a millisecond a request in a pipeline.
        assert!((25 * MS..=50 * MS).contains(&down_ns), "{down_ns}");
        let last = ending.last_answer_at.expect("answers") - fake.starts_at;
        assert!(last + down_ns <= 100 * MS, "last answer at {last}, down for {down_ns}");
        assert_eq!(done.gaps.within_ns(0, fake.at(50 * MS)), 0);
        assert_eq!(done.gaps.within_ns(fake.at(90 * MS), fake.at(100 * MS)), 10 * MS);
    });
}

#[test]
fn a_server_that_comes_back_was_down_for_a_while() {
    for_seeds(40, |seed| {
        let job = Job { duration_ns: Some(2 * SECOND), requests_per_connection: None, ..job() };
        let mut fake = Fake::new(seed, job, Behaviour::good());
        fake.later = vec![(fake.at(100 * MS), gone()), (fake.at(900 * MS), Behaviour::good())];
        let Ran { done, fake } = run(fake);
        // Pauses between attempts are half a second at most.
        let down_ns = done.gaps.total_ns();
        assert!((780 * MS..1_400 * MS).contains(&down_ns), "{down_ns}");
        assert_eq!(done.gaps.within_ns(fake.at(200 * MS), fake.at(800 * MS)), 600 * MS);
        assert!(!done.ending.away);
        let answered_at = done.ending.last_answer_at.expect("answers");
        assert!(answered_at > fake.at(1_990 * MS), "{answered_at}");
    });
}

#[test]
fn replacing_connections_is_no_outage() {
    for_seeds(40, |seed| {
        let job = Job { connections: 1, requests_per_connection: Some(1), ..job_of(seed) };
        let Ran { done, .. } = run_job(seed, job, Behaviour::good());
        assert_eq!((done.gaps.total_ns(), done.ending.away), (0, false));
    });
}

/// Connects that are never answered count once one has expired, or one has taken a second.
#[test]
fn connects_that_nobody_answers_are_an_outage() {
    for (timeout_ns, down) in [(300 * MS, true), (5 * SECOND, true), (5 * SECOND, false)] {
        for_seeds(10, |seed| {
            let job = Job { timeout_ns, duration_ns: Some(if down { 3 * SECOND } else { SECOND }), ..job() };
            let silent = Behaviour { outcomes: vec![(ConnectOutcome::Silent, 1)], ..gone() };
            let mut fake = Fake::new(seed, job, Behaviour::good());
            fake.later = vec![(fake.at(500 * MS), silent)];
            let gaps = run(fake).done.gaps;
            assert_eq!(gaps.total_ns() > 2_400 * MS, down, "{gaps:?}");
            assert!(down || gaps.total_ns() == 0, "half a second of an attempt on its way: {gaps:?}");
        });
    }
}

#[test]
fn a_server_that_falls_silent_leaves_requests_waiting() {
    for_seeds(20, |seed| {
        let job = Job { timeout_ns: 2 * SECOND, ..job() };
        let mut fake = Fake::new(seed, job, Behaviour::good());
        fake.later = vec![(fake.at(50 * MS), Behaviour { actions: vec![(Action::Stall, 1)], ..Behaviour::good() })];
        let Ran { done, .. } = run(fake);
        let ending = done.ending;
        assert_eq!((done.gaps.total_ns(), ending.away, ending.misses.events), (0, false, 0));
        assert!((65 * MS..72 * MS).contains(&ending.waited_ns), "since 50 ms, and through the drain: {ending:?}");
    });
}

#[test]
fn a_count_that_is_reached_owes_nothing() {
    for_seeds(40, |seed| {
        let job = Job { duration_ns: None, requests: Some(200), ..job_of(seed) };
        let Ran { done, .. } = run_job(seed, job, Behaviour::good());
        assert_eq!((done.ending.owed_since, done.ending.waited_ns), (None, 0));
        assert_eq!(done.gaps, Gaps::common([done.gaps.clone()]));
    });
}

#[test]
fn answers_are_counted_by_address() {
    for_seeds(40, |seed| {
        let job = Job { connections: 4, first_connection: 0, remotes: 2, ..job_of(seed) };
        let Ran { done, fake } = run_job(seed, job, Behaviour::hostile(seed));
        let answers: u64 = done.reached.iter().map(|one| one.answers).sum();
        assert_eq!(answers, fake.record.answers + fake.record.late_answers);
        for (remote, reached) in done.reached.iter().enumerate() {
            let attempts = fake.record.attempts.iter().filter(|attempt| attempt.1 == remote).count();
            assert_eq!(reached.attempts, attempts as u64);
        }
    });
}

#[test]
fn bad_statuses_and_a_target_that_is_away_are_shown_as_they_happen() {
    for_seeds(10, |seed| {
        let job = Job { duration_ns: Some(SECOND), ..job() };
        let mut fake = Fake::new(seed, job.clone(), Behaviour::good());
        fake.later = vec![(fake.at(300 * MS), gone())];
        let (time, starts_at, control, progress) =
            (fake.time.clone(), fake.starts_at, fake.control.clone(), Progress::default());
        let done = work(&job, starts_at, &mut fake, &time, &progress, &control);
        let refused: u64 = done.stats.status[400..].iter().sum();
        assert!(refused > 0 && progress.refused.load(Relaxed) == refused, "{progress:?}");
        assert!(progress.away.load(Relaxed) && progress.open.load(Relaxed) == 0, "{progress:?}");
    });
}
