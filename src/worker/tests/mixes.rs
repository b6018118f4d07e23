//! Lists of requests: shares, numbers, methods and checks, whatever the server does.

use std::sync::Arc;

use super::*;
use crate::ring::{BlockSizes, Blocks};
use crate::worker::fake::Action;
use crate::worker::stats::KindStats;
use crate::workload::{Expect, Layout, Order, RequestSet, StatusRange};

/// Seven entries of four kinds.
const LIST: [(u16, &str, usize); 7] =
    [(0, "GET", 0), (1, "POST", 200), (0, "GET", 0), (2, "HEAD", 0), (0, "GET", 0), (3, "GET", 30), (1, "POST", 200)];

/// The same, where some carry numbers.
const NUMBERED: [(u16, &str, usize); 4] = [(0, "GET", 0), (1, "#POST", 100), (2, "HEAD", 0), (3, "#GET", 0)];

fn job_with(set: RequestSet, job: Job) -> Job {
    let layout = requests::layout(set, job.pipeline);
    Job { checks: Checks::of(layout.set()), layout, ..job }
}

fn counted(count: u64, job: Job) -> Job {
    Job { duration_ns: None, requests: Some(count), ..job }
}

#[test]
fn shares_are_exact_whatever_happens_to_connections() {
    for_seeds(60, |seed| {
        let job = job_with(requests::set(&LIST), counted(700, job_of(seed)));
        let ran =
            run_job(seed, job, Behaviour::with(&[Action::Announce, Action::AnswerAndEnd, Action::AnswerAndReset]));
        // Of what was not owed an answer each is sent again: each outcome counts for its own entry.
        let outcomes = |kind: &KindStats| kind.requests.completed + kind.requests.failed;
        assert_eq!(ran.done.stats.kinds.iter().map(outcomes).collect::<Vec<_>>(), [300, 200, 100, 100]);
    });
}

#[test]
fn the_books_balance_in_each_kind_on_a_hostile_server() {
    for_seeds(150, |seed| {
        let mut set = requests::set(if seed % 2 == 0 { &LIST } else { &NUMBERED });
        set.order = if seed % 5 == 0 { Order::Random } else { Order::Turn };
        set.seed = seed;
        let mut fake = Fake::new(seed, job_with(set, job_of(seed)), Behaviour::hostile(seed));
        fake.rooms = if seed % 4 == 0 { 0..3 } else { 1..64 };
        run(fake);
    });
}

#[test]
fn requests_of_all_methods_are_answered_by_their_own_framing() {
    for_seeds(60, |seed| {
        let job = Job { timeout_ns: 2 * SECOND, ..job_of(seed) };
        let ran = run_job(seed, job_with(requests::set(&LIST), job), Behaviour::good());
        let stats = &ran.done.stats;
        assert_eq!((stats.errors.total(), stats.kinds[2].body_bytes), (0, 0), "{:?}", stats.errors);
        assert!(stats.kinds.iter().all(|kind| kind.requests.completed > 0));
    });
}

/// The numbers that the server has read, in order.
fn numbers(ran: &Ran) -> Vec<u64> {
    let mut numbers = ran.fake.record.numbers.clone();
    numbers.sort_unstable();
    numbers
}

#[test]
fn no_number_comes_twice_whatever_the_server_does() {
    for_seeds(60, |seed| {
        let mut fake = Fake::new(seed, job_with(requests::set(&NUMBERED), job_of(seed)), Behaviour::hostile(seed));
        if seed % 3 == 0 {
            fake.blocks = Blocks::new(BlockSizes { count: 1, bytes: 4096 });
        }
        let ran = run(fake);
        let numbers = numbers(&ran);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        // Those that are missing were sent, and failed or were given up at the end.
        let requests = ran.done.stats.requests;
        let lost = requests.failed + requests.discarded + requests.in_flight_at_end;
        let missing = numbers.last().map_or(0, |last| last - numbers.len() as u64);
        assert!(missing <= lost, "{missing} missing of {requests:?}");
        assert_eq!(ran.fake.job.layout.past_width(), 0);
    });
}

#[test]
fn no_number_is_missing_where_the_server_says_that_it_reads_no_more() {
    for_seeds(60, |seed| {
        let job = Job { timeout_ns: 2 * SECOND, ..job_of(seed) };
        let job = job_with(requests::set(&NUMBERED), counted(800, job));
        let ran = run_job(
            seed,
            job,
            Behaviour { actions: vec![(Action::Announce, 1), (Action::Answer, 9)], ..Behaviour::good() },
        );
        let requests = ran.done.stats.requests;
        assert_eq!(requests.failed, 0, "{:?}", ran.done.stats.errors);
        assert_eq!(numbers(&ran), (1..=400).collect::<Vec<_>>(), "{requests:?}");
    });
}

#[test]
fn a_worker_without_blocks_waits_for_them_and_loses_nothing() {
    for_seeds(20, |seed| {
        let job = counted(300, Job { connections: 5, pipeline: 4, ..job() });
        let mut fake = Fake::new(seed, job_with(requests::set(&NUMBERED), job), Behaviour::good());
        fake.blocks = Blocks::new(BlockSizes { count: 1, bytes: 300 });
        let ran = run(fake);
        assert_eq!(ran.done.stats.requests.completed, 300);
        assert_eq!(ran.fake.record.numbers.len(), 150);
    });
}

#[test]
fn an_answer_that_differs_has_failed_and_its_connection_goes_on() {
    for_seeds(40, |seed| {
        let mut set = requests::set(&LIST);
        set.expectations = vec![
            Expect { status: vec![StatusRange { first: 200, last: 299 }], body: None },
            Expect { status: Vec::new(), body: Some(b"Hello, World!".to_vec()) },
        ];
        set.entries[0].expects = Some(0);
        set.entries[1].expects = Some(1);
        let job = Job { requests_per_connection: None, timeout_ns: 2 * SECOND, ..job_of(seed) };
        let ran = run_job(seed, job_with(set, job), Behaviour::good());
        let stats = &ran.done.stats;
        let of_kind = |kind: usize| stats.kinds[kind].errors.check;
        assert!(stats.errors.check > 0);
        assert_eq!((of_kind(0) + of_kind(1), of_kind(2) + of_kind(3)), (stats.errors.check, 0));
        assert_eq!(stats.connections.reconnects, 0, "a wrong answer is no reason to hang up");
        let kept = stats.differing.all();
        assert_eq!(kept.len() as u64, stats.errors.check.min(3));
        for one in kept {
            let right = if one.kind == 0 { one.status == 200 } else { one.body == b"Hello, World!" };
            assert!(!right, "{one:?}");
        }
    });
}

#[test]
fn raw_requests_that_do_not_ask_for_it_end_their_connection_at_once() {
    for_seeds(20, |seed| {
        let mut set = requests::set(&[(0, "GET", 0), (0, "POST", 10)]);
        for entry in &mut set.entries {
            (entry.closing, entry.asks_to_close) = (entry.range.clone(), false);
        }
        let behaviour = Behaviour { split: 0, delay_ns: 1_000..2_000, ..Behaviour::good() };
        let job = counted(200, Job { requests_per_connection: Some(2), ..job() });
        let ran = run_job(seed, job_with(set, job), behaviour);
        assert_eq!(ran.done.stats.requests.completed, 200);
        assert!(ran.done.elapsed_ns < 10 * MS, "no grace: {} ns", ran.done.elapsed_ns);
    });
}

#[test]
fn connections_that_are_reset_wait_for_nobody() {
    for_seeds(20, |seed| {
        let behaviour = Behaviour { split: 0, delay_ns: 1_000..2_000, ..Behaviour::good() };
        let job = counted(200, Job { requests_per_connection: Some(2), resets: true, ..job() });
        let ran = run_job(seed, job, behaviour);
        assert_eq!(ran.done.stats.requests.completed, 200);
        assert!(ran.done.elapsed_ns < 10 * MS, "no grace: {} ns", ran.done.elapsed_ns);
    });
}

#[test]
fn two_workers_share_numbers_and_begin_apart() {
    let layout = Arc::new(requests::list(&NUMBERED, 1));
    let mut numbers = Vec::new();
    for index in 0..2 {
        let job = counted(10, Job { layout: Layout::clone(&layout), worker: (index, 2), connections: 1, ..job() });
        let Ran { fake, .. } = run_job(index, job, Behaviour::good());
        // Entries 0 1 2 3 0 1 2 3 0 1, and 2 3 0 1 2 3 0 1 2 3.
        let sent: Vec<u64> = fake.record.of_kind.iter().map(|[sent, ..]| *sent).collect();
        assert_eq!(sent, if index == 0 { [3, 3, 2, 2] } else { [2, 2, 3, 3] });
        numbers.extend(fake.record.numbers);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
}

#[test]
fn blocks_hold_the_largest_request_that_changes_and_are_bounded() {
    let large = job_with(requests::set(&[(0, "#POST", 300_000)]), Job { connections: 100_000, ..job() });
    let sizes = large.blocks();
    assert!(sizes.bytes > 300_000 && sizes.count * sizes.bytes <= 256 << 20, "{sizes:?}");
    let huge = job_with(requests::set(&[(0, "#POST", 30_000_000)]), job());
    assert_eq!(huge.blocks().count, 16);
    let fixed = Job { connections: 100_000, ..job() };
    assert_eq!(fixed.blocks().count, 64, "for what the protocol says by itself");
}
