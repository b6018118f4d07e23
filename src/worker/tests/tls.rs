//! Connections over TLS: the same loop, whose books hold whatever the server does, with handshakes that fail among them.

use super::*;
use crate::measure::schedule::Arrivals;
use crate::protocol::TlsFault;
use crate::worker::fake::Action;
use crate::worker::fake::tls::{Manner, TlsFake, setups};

/// Runs a job over TLS.
fn run_over_tls(seed: u64, job: Job, behaviour: Behaviour, manners: &[(Manner, u64)]) -> (Done, TlsFake) {
    let (client, server) = setups();
    let layout = requests::fixed(0, job.pipeline);
    let job = Job { tls: Some(client), layout, ..job };
    let mut fake = TlsFake::new(seed, Fake::new(seed, job.clone(), behaviour), server);
    fake.manners = manners.to_vec();
    let (clock, control, starts_at) = (fake.clock(), fake.fake.control.clone(), fake.fake.starts_at);
    let done = work(&job, starts_at, &mut fake, &clock, &Progress::default(), &control);
    check_over_tls(&done, &fake);
    (done, fake)
}

/// What holds whatever kernel, server and TLS do.
fn check_over_tls(done: &Done, fake: &TlsFake) {
    let (stats, record) = (&done.stats, &fake.fake.record);
    let tls = stats.tls.as_deref().expect("TLS");
    let Requests { sent, completed, failed, discarded, in_flight_at_end, .. } = stats.requests;
    assert_eq!(sent, completed + failed + discarded + in_flight_at_end, "{:?}", stats.requests);
    assert_eq!(failed, stats.errors.total(), "{:?}", stats.errors);
    assert_eq!((sent, completed), (record.requests, record.answers), "{:?}", stats.requests);
    let Connections { established, reconnects, failed, .. } = stats.connections;
    assert_eq!(established + reconnects, tls.full + tls.resumed, "each connection counts when it is finished");
    assert_eq!(tls.handshake.count(), tls.full + tls.resumed);
    assert!(established + reconnects <= record.opened && stats.connect.count() == record.opened);
    assert!(failed.tls <= tls.faults.iter().sum::<u64>(), "{failed:?} {:?}", tls.faults);
    // On the wire there is more than content, and all content is the fake's.
    assert_eq!((tls.facts.content_sent, tls.facts.content_received), (record.request_bytes, record.answer_bytes));
    assert!(stats.bytes.sent > record.request_bytes && stats.bytes.received >= record.answer_bytes);
    assert!(fake.fake.all_closed(), "every slot is closed at the end");
}

#[test]
fn a_good_server_fails_nothing() {
    for_seeds(30, |seed| {
        let job = Job { timeout_ns: 2 * SECOND, ..job_of(seed) };
        let (done, _) = run_over_tls(seed, job, Behaviour::good(), &[(Manner::Good, 1)]);
        assert!(done.stats.requests.completed > 0 && done.stats.errors.total() == 0, "{:?}", done.stats.errors);
        assert_eq!(done.stats.tls.as_deref().expect("TLS").faults, [0; TlsFault::ALL.len()]);
    });
}

#[test]
fn the_books_balance_on_a_hostile_server() {
    for_seeds(60, |seed| {
        let job = Job { requests_per_connection: [None, Some(1), Some(5)][(seed % 3) as usize], ..job_of(seed) };
        run_over_tls(seed, job, Behaviour::hostile(seed), &[(Manner::Good, 1)]);
    });
}

#[test]
fn new_connections_for_each_request_are_counted_as_they_are_finished() {
    for_seeds(30, |seed| {
        let timeout_ns = 2 * SECOND;
        let job =
            Job { timeout_ns, requests_per_connection: Some(1), duration_ns: None, requests: Some(40), ..job_of(seed) };
        let (done, fake) = run_over_tls(seed, job, Behaviour::with(&[Action::Announce]), &[(Manner::Good, 1)]);
        assert_eq!(done.stats.requests.completed, 40);
        assert!(done.stats.tls.as_deref().expect("TLS").full >= 40.min(fake.fake.record.opened));
    });
}

#[test]
fn handshakes_that_fail_are_counted_by_cause_and_tried_again() {
    for_seeds(30, |seed| {
        let job = Job { timeout_ns: 30 * MS, pipeline: 1, ..job_of(seed) };
        for (manner, fault) in [(Manner::Silent, TlsFault::Timeout), (Manner::Garbage, TlsFault::NotTls)] {
            let manners = [(Manner::Good, 2), (manner, 1)];
            let (done, fake) = run_over_tls(seed, job.clone(), Behaviour::good(), &manners);
            let tls = done.stats.tls.as_deref().expect("TLS");
            let failed = tls.faults[fault.index()];
            assert_eq!(tls.faults.iter().sum::<u64>(), failed, "{:?}", tls.faults);
            assert_eq!(done.stats.connections.failed.tls, failed);
            // The last ones may not have had their time.
            assert!(failed <= fake.bad && failed + job.connections as u64 >= fake.bad, "{failed} of {}", fake.bad);
            assert_eq!(done.stats.errors.total(), 0, "a handshake is no request");
        }
    });
}

#[test]
fn an_open_loop_keeps_its_instants_over_tls() {
    for_seeds(10, |seed| {
        let job = super::open::open_job(2_000.0, Arrivals::Constant);
        let (done, _) = run_over_tls(seed, job, Behaviour::good(), &[(Manner::Good, 1)]);
        let intended = done.stats.requests.open.expect("an open loop").intended;
        assert!((399..=401).contains(&intended) && done.stats.requests.completed == intended, "{intended}");
    });
}
