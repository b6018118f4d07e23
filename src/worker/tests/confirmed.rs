//! Requests too large for a socket's buffer: their sends are confirmed before the next.

use super::*;

#[test]
fn no_slot_is_lost_to_a_send_that_never_ends() {
    for_seeds(60, |seed| {
        // The server answers before it has read the request, and never reads the rest of it.
        let job =
            Job { layout: requests::fixed(100_000, 1), timeout_ns: 20 * MS, duration_ns: Some(500 * MS), ..job() };
        let mut fake = Fake::new(seed, job, Behaviour::good());
        fake.stuck_sends = 20;
        let Ran { done, fake } = run(fake);
        assert!(done.stats.requests.completed > 20);
        for &at in &fake.record.last_answer_at {
            assert!(at > fake.at(300 * MS), "last answered after {} ns", at - fake.starts_at);
        }
    });
}
