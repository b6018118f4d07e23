#![allow(clippy::unwrap_used)]

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::result::search::Limit;

/// A server with one queue, known capacity and known times.
struct Model {
    capacity: f64,
    /// The share of probes that a stall of the machine spoils.
    stalls: f64,
    random: Pcg64Mcg,
    probes: Vec<(f64, Why, bool)>,
}

impl Model {
    fn new(capacity: f64, stalls: f64, seed: u64) -> Model {
        Model { capacity, stalls, random: Pcg64Mcg::seed_from_u64(seed), probes: Vec::new() }
    }

    fn probe(&mut self, load: f64, why: Why) -> Option<Probe> {
        let stalled = (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64 / self.stalls < 1.0;
        let held = load <= self.capacity && !stalled;
        let rho: f64 = load / self.capacity;
        self.probes.push((load, why, held));
        Some(Probe {
            load,
            why,
            held,
            asked_ns: (rho < 1.0).then(|| 1e5 / (1.0 - rho)),
            limit: (!held).then_some(Limit::Slo),
            ..Probe::default()
        })
    }
}

#[test]
fn the_capacity_is_found_from_any_beginning() {
    for capacity in [0.4, 7.0, 950.0, 5_000.0, 123_456.0, 8e6] {
        for from in [0.1, 1.0, 1_000.0, 1e6] {
            let mut model = Model::new(capacity, 0.0, 1);
            let answer = highest_rate(from, 0.02, |load, why| model.probe(load, why)).unwrap();
            let off = answer.load / capacity;
            // Two digits of a rate below 10 are as near as it gets.
            assert!((0.97..=1.0).contains(&off), "{capacity} from {from}: {answer:?}");
            assert_eq!(answer.limit, Some(Limit::Slo));
            let last = model.probes.last().unwrap();
            assert_eq!((last.0, last.1, last.2), (answer.load, Why::Confirm, true), "{capacity} from {from}");
            assert!(model.probes.len() < 60, "{} probes", model.probes.len());
        }
    }
}

#[test]
fn a_breach_counts_when_it_happens_twice() {
    let mut off = 0;
    for seed in 0..200 {
        // Every 25th probe is spoilt.
        let mut model = Model::new(10_000.0, 0.04, seed);
        let answer = highest_rate(1_000.0, 0.02, |load, why| model.probe(load, why)).unwrap();
        assert!(answer.load <= 10_000.0);
        off += u32::from(answer.load < 9_500.0);
    }
    assert!(off <= 16, "{off} of 200 too low");
}

#[test]
fn the_knee_is_where_times_double() {
    let mut model = Model::new(10_000.0, 0.0, 1);
    let answer = highest_rate(100.0, 0.02, |load, why| model.probe(load, why)).unwrap();
    // 1 / (1 - rho) is twice what it is at 200/s where rho is 0.51: of the rates tried, 3,200.
    assert_eq!(answer.knee, Some(3_200.0));
}

#[test]
fn nothing_holds_or_all_does() {
    assert_eq!(highest_rate(10.0, 0.02, |load, why| Some(Probe { load, why, ..Probe::default() })), None);
    let all = highest_rate(1e8, 0.02, |load, why| Some(Probe { load, why, held: true, ..Probe::default() })).unwrap();
    assert_eq!((all.load, all.beyond, all.limit), (8e8, None, None));
    assert_eq!(highest_rate(10.0, 0.02, |_, _| None), None);
}

#[test]
fn a_server_that_is_too_slow_at_rest_is_given_up() {
    let mut probes = 0;
    let answer = highest_rate(1_000.0, 0.02, |load, why| {
        probes += 1;
        // Up to 100/s are reached; at rest an answer takes 20 ms.
        let (achieved_per_s, asked_ns) = if load > 100.0 { (100.0, Some(1e9)) } else { (load, Some(2e7)) };
        Some(Probe { load, why, achieved_per_s, asked_ns, ..Probe::default() })
    });
    // 1000, 500, 250, 125, 62.5 and 31.3, each twice.
    assert_eq!((answer, probes), (None, 12));
}

#[test]
fn the_fewest_connections_are_found() {
    // The rate grows with the connections up to a ceiling, with noise of 2 %.
    let mut random = Pcg64Mcg::seed_from_u64(3);
    for ceiling in [1.0, 3.0, 10.0, 57.0, 200.0, 1_000.0] {
        let answer = fewest_connections(1, 256, |load, why| {
            let noise = 0.99 + 0.02 * (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
            let achieved_per_s = 1_000.0 * (load as f64).min(ceiling) * noise;
            Some(Probe { load: load as f64, why, achieved_per_s, ..Probe::default() })
        })
        .unwrap();
        let want: f64 = (ENOUGH * f64::min(ceiling, 256.0)).ceil();
        assert!((answer.load - want).abs() <= (want * 0.08).max(1.0), "{ceiling}: {answer:?}");
    }
    let one = fewest_connections(7, 7, |load, why| {
        Some(Probe { load: load as f64, why, achieved_per_s: 5.0, ..Probe::default() })
    });
    assert_eq!(one.unwrap().load, 7.0);
    assert_eq!(fewest_connections(1, 4, |_, _| Some(Probe::default())), None);
}

#[test]
fn rates_are_such_as_people_type() {
    for (rate, want) in
        [(0.1, 0.1), (0.123_4, 0.123), (7.0, 7.0), (1_414.2, 1_410.0), (99_960.0, 100_000.0), (1e9, 1e9)]
    {
        assert_eq!(rounded(rate), want);
    }
}
