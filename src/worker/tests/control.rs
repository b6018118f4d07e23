//! Orders that come while a run lasts: fewer connections or more, another rate, the end.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::open::open_job;
use super::*;
use crate::measure::schedule::Arrivals;
use crate::worker::Control;

/// An order, and when it comes, ns from the start.
type Order = (u64, fn(&Control));
/// Instants, ns from the start, and how many connections were open then.
type Seen = Rc<RefCell<Vec<(u64, usize)>>>;

/// Gives `orders` when their instants (ns from the start) have come, and tells at each enter when it was and how many connections were open.
fn with_orders(fake: &mut Fake, orders: Vec<Order>) -> Seen {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (starts_at, control, log) = (fake.starts_at, fake.control.clone(), seen.clone());
    let mut orders = VecDeque::from(orders);
    fake.at_each_enter = Some(Box::new(move |now, open| {
        while let Some((_, order)) = orders.pop_front_if(|(at, _)| starts_at + *at <= now) {
            order(&control);
        }
        log.borrow_mut().push((now - starts_at, open));
    }));
    seen
}

/// How many were open at least and at most between two instants.
fn open_within(seen: &Seen, from: u64, to: u64) -> (usize, usize) {
    let within =
        seen.borrow().iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, open)| *open).collect::<Vec<_>>();
    (within.iter().copied().min().expect("enters"), within.iter().copied().max().expect("enters"))
}

/// An order is obeyed when the worker looks around, 100 ms later at most, and what was in flight then is answered first.
#[test]
fn connections_become_fewer_and_more_and_nothing_is_lost() {
    for_seeds(40, |seed| {
        let job = Job { connections: 8, duration_ns: Some(2 * SECOND), ..job_of(seed) };
        let job = Job { connections: 8, requests_per_connection: None, timeout_ns: SECOND, ..job };
        let mut fake = Fake::new(seed, job, Behaviour { delay_ns: 0..MS, ..Behaviour::good() });
        let seen = with_orders(
            &mut fake,
            vec![
                (300 * MS, |control| control.set_connections(2)),
                (800 * MS, |control| control.set_connections(5)),
                (1_300 * MS, |control| control.set_connections(0)),
                (1_600 * MS, |control| control.set_connections(1_000)),
            ],
        );
        let Ran { done, .. } = run(fake);
        for (from, to, open) in [(50, 300, 8), (600, 800, 2), (1_000, 1_300, 5), (1_500, 1_600, 0), (1_800, 1_990, 8)] {
            assert_eq!(open_within(&seen, from * MS, to * MS), (open, open), "{from} to {to} ms");
        }
        let Requests { failed, discarded, completed, .. } = done.stats.requests;
        assert_eq!((failed, discarded, done.cut_short), (0, 0, None));
        assert!(
            completed > 1_000 && done.stats.connections.reconnects == 6 + 3 + 5 - 3,
            "{:?}",
            done.stats.connections
        );
    });
}

/// Whatever kernel and server do meanwhile: the books balance (`check`), and what is too many only becomes less.
#[test]
fn orders_amid_faults_leave_no_connection_too_many() {
    for_seeds(150, |seed| {
        let job = Job { duration_ns: Some(SECOND), ..job_of(seed) };
        let mut fake = Fake::new(seed, job, Behaviour::hostile(seed));
        let seen = with_orders(
            &mut fake,
            vec![
                (250 * MS, |control| control.set_connections(1)),
                (450 * MS, |control| control.set_connections(3)),
                (450 * MS, |control| control.set_connections(0)),
                (650 * MS, |control| control.set_connections(2)),
            ],
        );
        run(fake);
        // Connects that were under way when the order came end first; then only what is owed an answer stays.
        let seen = seen.borrow();
        let settled = seen.iter().filter(|(at, _)| *at >= 850 * MS);
        settled.map(|(_, open)| *open).reduce(|before, open| {
            assert!(open <= before.max(2), "{before}, then {open}");
            open
        });
    });
}

#[test]
fn a_rate_is_changed_and_paused() {
    for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
        for_seeds(20, |seed| {
            let job = Job { duration_ns: Some(4 * SECOND), connections: 16, ..open_job(1_000.0, arrivals) };
            let mut fake = Fake::new(seed, job, Behaviour { delay_ns: 0..MS, ..Behaviour::good() });
            with_orders(
                &mut fake,
                vec![
                    (SECOND, |control| control.set_rate(3_000.0)),
                    (2 * SECOND, |control| control.set_rate(0.0)),
                    (3 * SECOND, |control| control.set_rate(500.0)),
                ],
            );
            let Ran { done, .. } = run(fake);
            let requests = done.stats.requests;
            let intended = requests.open.expect("an open loop").intended as f64;
            // Each order waits for 100 ms at most.
            let (least, most): (f64, f64) = (1_000.0 + 2_700.0 + 450.0, 1_100.0 + 3_300.0 + 500.0);
            let chance = if arrivals == Arrivals::Poisson { 4.0 * most.sqrt() } else { 2.0 };
            assert!((least - chance..most + chance).contains(&intended), "{intended}");
            assert_eq!((requests.completed as f64, requests.failed), (intended, 0));
        });
    }
}
