//! Connections that are replaced all the time.

use super::*;

/// Between one connection and the next none is open, and that is no reason to give up.
#[test]
fn a_single_connection_replaced_for_each_request_is_not_taken_for_a_lost_server() {
    for_seeds(20, |seed| {
        let job =
            Job { connections: 1, requests_per_connection: Some(1), duration_ns: None, requests: Some(500), ..job() };
        let mut fake = Fake::new(seed, job, Behaviour::good());
        // Late enough for the samples to be taken in turns in which something happens.
        fake.late_ns = 0..MS;
        let Ran { done, .. } = run(fake);
        assert_eq!(done.cut_short, None);
        assert_eq!(done.stats.requests.completed, 500);
        assert_eq!(done.stats.connections.reconnects, 499);
    });
}
