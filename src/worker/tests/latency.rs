//! That samples are what they claim is held by [`check`](super::check) in every test; here, that nothing blurs them.

use super::*;
use crate::measure::histogram::Histogram;
use crate::worker::fake::Action;

#[test]
fn a_known_delay_is_measured_to_the_nanosecond() {
    for_seeds(30, |seed| {
        let behaviour = Behaviour { delay_ns: 250_000..250_001, split: 0, ..Behaviour::good() };
        let mut fake = Fake::new(seed, job(), behaviour);
        (fake.late_ns, fake.spurious) = (0..1, 0);
        let service = run(fake).done.stats.latencies.service().summary(None).expect("answers");
        // Sent at the reading before the enter, done at the one after it, which takes a nanosecond; readings in between
        // make the one connection's event wait for the other's turn, for some nanoseconds.
        assert_eq!(service.min, 250_001);
        assert!(service.max < 250_020, "{service:?}");
    });
}

#[test]
fn failures_leave_no_sample() {
    for_seeds(30, |seed| {
        let behaviour = Behaviour { actions: vec![(Action::Stall, 1), (Action::Answer, 5)], ..Behaviour::good() };
        let stats = run_job(seed, job(), behaviour).done.stats;
        assert!(stats.errors.timeout > 0);
        let slowest = stats.latencies.service().summary(None).expect("answers").max;
        assert!(slowest < 10 * MS, "an answer takes up to four delays, not a timeout: {slowest}");
    });
}

#[test]
fn answers_in_pieces_have_their_first_byte_earlier() {
    for_seeds(30, |seed| {
        let stats = run_job(seed, job(), Behaviour { split: 100, ..Behaviour::good() }).done.stats;
        let (split, first) = (&stats.latencies.split, &stats.latencies.split_first);
        assert!(split.count() > 50 && split.count() + stats.requests.begun == first.count());
        let mean = |histogram: &Histogram| histogram.summary(None).expect("samples").mean;
        assert!(mean(first) < mean(split));
    });
}
