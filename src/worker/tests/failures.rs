//! Each fault counts under its own name, and none of them costs the run a slot.

use super::*;
use crate::measure::counters::{Anomalies, Errors};
use crate::worker::fake::{Action, ConnectOutcome};

/// A long timeout, so that nothing but the fault in question fails.
fn patient_job() -> Job {
    Job { connections: 3, timeout_ns: 2 * SECOND, ..job() }
}

#[test]
fn requests_fail_under_the_name_of_the_fault() {
    type Count = fn(&Errors) -> u64;
    let table: [(Action, Count); 3] = [
        (Action::PartAndReset, |errors| errors.reset),
        (Action::PartAndEnd, |errors| errors.eof_mid_response),
        (Action::Nonsense, |errors| errors.protocol),
    ];
    for (action, count) in table {
        for_seeds(20, |seed| {
            let job = Job { pipeline: 1 + (seed % 4) as u32, ..patient_job() };
            let Ran { done, fake } = run_job(seed, job, Behaviour::with(&[action]));
            assert!(count(&done.stats.errors) > 0, "{action:?}");
            assert_eq!(count(&done.stats.errors), fake.record.given_up, "{action:?}");
            assert_eq!(done.stats.anomalies, Anomalies::default(), "{action:?}");
        });
    }
}

#[test]
fn what_goes_wrong_after_a_whole_answer_is_no_failure() {
    type Expected = fn(&Fake) -> Anomalies;
    let table: [(Action, Expected); 4] = [
        (Action::Announce, |_| Anomalies::default()),
        (Action::AnswerAndEnd, |fake| Anomalies { close_unannounced: fake.record.ended, ..Anomalies::default() }),
        (Action::AnswerAndReset, |fake| Anomalies { reset_after_response: fake.record.ended, ..Anomalies::default() }),
        (Action::AnswerAndMore, |fake| Anomalies { excess_bytes: fake.record.excess, ..Anomalies::default() }),
    ];
    for (action, expected) in table {
        for_seeds(20, |seed| {
            let job = Job { pipeline: 1 + (seed % 4) as u32, ..patient_job() };
            let Ran { done, fake } = run_job(seed, job, Behaviour::with(&[action]));
            let stats = &done.stats;
            assert_eq!(stats.requests.failed, 0, "{action:?}");
            assert!(stats.connections.reconnects > 0, "{action:?}");
            // An announced end may come as a reset.
            let reset_after_response = match action {
                Action::Announce => stats.anomalies.reset_after_response,
                _ => expected(&fake).reset_after_response,
            };
            assert_eq!(stats.anomalies, Anomalies { reset_after_response, ..expected(&fake) }, "{action:?}");
        });
    }
}

#[test]
fn line_ends_behind_answers_cost_no_connection() {
    for_seeds(40, |seed| {
        let job = Job { pipeline: 1 + (seed % 4) as u32, ..patient_job() };
        let behaviour = Behaviour { actions: vec![(Action::AnswerAndLineEnds, 1)], ..Behaviour::good() };
        let Ran { done, .. } = run_job(seed, job, behaviour);
        let stats = &done.stats;
        assert!(stats.requests.completed > 100, "{:?}", stats.requests);
        assert_eq!((stats.requests.failed, stats.connections.reconnects), (0, 0));
        assert_eq!(stats.anomalies, Anomalies::default());
    });
}

#[test]
fn a_timeout_counts_each_request_once_at_its_expiry() {
    for_seeds(40, |seed| {
        let timeout_ns = [3 * MS, 10 * MS, 33 * MS + 333][(seed % 3) as usize];
        let job = Job { timeout_ns, pipeline: 1 + (seed % 4) as u32, ..job() };
        let fake = Fake::new(seed, job, Behaviour::with(&[Action::Stall]));
        // A tick of the wheel, the lateness of an enter, and an enter or two that return for nothing.
        let slack = (timeout_ns / 1000).max(10_000) + 3 * fake.late_ns.end;
        let Ran { done, fake } = run(fake);
        assert!(done.stats.errors.timeout > 0);
        assert_eq!(done.stats.errors.timeout, fake.record.given_up);
        assert_eq!(done.stats.requests.failed, fake.record.given_up);
        for &wait in &fake.record.waits {
            assert!((timeout_ns..=timeout_ns + slack).contains(&wait), "waited {wait} of {timeout_ns}");
        }
    });
}

#[test]
fn no_slot_is_lost_to_a_server_that_fails_for_a_while() {
    for_seeds(90, |seed| {
        let job = Job { duration_ns: Some(2 * SECOND), ..job_of(seed) };
        let timeout_ns = [20 * MS, 60 * MS, 300 * MS][(seed % 3) as usize];
        let slow = Behaviour { delay_ns: 200_000..4 * MS, ..Behaviour::good() };
        let mut fake = Fake::new(seed, Job { timeout_ns, ..job }, slow.clone());
        // Up, down in one of several ways, and up again.
        let mut down = Behaviour { delay_ns: slow.delay_ns.clone(), ..Behaviour::hostile(seed) };
        match seed % 4 {
            0 => down.outcomes = vec![(ConnectOutcome::Refused, 1)],
            1 => down.outcomes = vec![(ConnectOutcome::Silent, 1)],
            2 => down.actions = vec![(Action::Stall, 1)],
            _ => down.actions.retain(|(action, _)| *action != Action::Answer),
        }
        (0..down.actions.len()).for_each(|at| down.actions[at].1 = 1);
        fake.later = vec![(fake.at(100 * MS), down), (fake.at(900 * MS), slow)];
        let Ran { done, fake } = run(fake);
        assert_eq!(done.cut_short, None);
        for (slot, &at) in fake.record.last_answer_at.iter().enumerate() {
            assert!(at > fake.at(1_900 * MS), "slot {slot} was last answered at {} ns", at - fake.starts_at);
        }
    });
}

#[test]
fn failed_connects_back_off_and_try_the_next_address() {
    for_seeds(60, |seed| {
        let outcomes = [
            ConnectOutcome::Refused,
            ConnectOutcome::Unreachable,
            ConnectOutcome::NoLocalPort,
            ConnectOutcome::NoSocket,
            ConnectOutcome::TimedOut,
        ];
        let outcomes = vec![(outcomes[(seed % 5) as usize], 1)];
        let job = Job {
            connections: 4,
            first_connection: 1,
            remotes: 3,
            timeout_ns: 10 * SECOND,
            duration_ns: Some(3 * SECOND),
            ..job()
        };
        let Ran { done, fake } = run_job(seed, job, Behaviour { outcomes, ..Behaviour::good() });
        assert_eq!(done.stats.requests.sent, 0);
        for slot in 0..4u32 {
            let attempts: Vec<_> = fake.record.attempts.iter().filter(|attempt| attempt.0 == slot).collect();
            for (at, attempt) in attempts.iter().enumerate() {
                assert_eq!(attempt.1, (1 + slot as usize + at) % 3, "attempt {at} of slot {slot}");
            }
            let pauses: Vec<u64> = attempts.windows(2).map(|pair| (pair[1].2 - pair[0].2) / MS).collect();
            // Each as long as the last one doubled, up to half a second; the wheel's tick is 10 ms here.
            let expected = [10, 20, 40, 80, 160, 320, 500, 500, 500, 500];
            assert!(pauses.len() >= 8 && pauses.len() <= expected.len(), "{pauses:?}");
            for (pause, least) in pauses.iter().zip(expected) {
                assert!((least..=least + 21).contains(pause), "{pauses:?}");
            }
        }
    });
}

#[test]
fn a_server_that_hangs_up_on_everybody_is_not_flooded_with_connects() {
    for_seeds(30, |seed| {
        let behaviour = Behaviour { outcomes: vec![(ConnectOutcome::OpensAndEnds, 1)], ..Behaviour::good() };
        let job = Job { connections: 1, duration_ns: Some(SECOND), ..job() };
        let attempts = run_job(seed, job, behaviour).fake.record.attempts.len();
        assert!((3..=8).contains(&attempts), "{attempts} connects in a second");
    });
}

/// As of event streams: their first bytes and what came of their bodies are known, whether they time out or the run ends first.
#[test]
fn answers_that_never_end_have_first_bytes_and_bodies() {
    for_seeds(40, |seed| {
        let timeout_ns = [2 * SECOND, 30 * MS][(seed % 2) as usize];
        let job = Job { connections: 4, timeout_ns, ..job() };
        let behaviour =
            Behaviour { actions: vec![(Action::Endless, 1)], delay_ns: MS..MS + 1, split: 0, ..Behaviour::good() };
        let Ran { done, .. } = run_job(seed, job, behaviour);
        let (stats, requests) = (&done.stats, done.stats.requests);
        assert_eq!(requests.completed, 0);
        assert_eq!((requests.begun, stats.bytes.body), (requests.sent, 5 * requests.sent), "{requests:?}");
        assert_eq!(requests.begun, if timeout_ns > SECOND { 4 } else { requests.failed + requests.in_flight_at_end });
        let longest = stats.latencies.first_byte().max_ns();
        assert!((MS..MS + 10_000).contains(&longest), "{longest}");
    });
}
