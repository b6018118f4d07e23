#![allow(clippy::unwrap_used)]

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::result::samples;

/// Windows around a rate and a time, with noise of 5 %.
fn noisy(random: &mut Pcg64Mcg, rate: f64, time: f64, windows: usize) -> Observed {
    let mut around = |figure: f64| {
        let uniform = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        Some(figure * (0.95 + 0.1 * uniform))
    };
    let window = |_| [around(rate), around(time), around(time * 2.0), around(time * 3.0)];
    Observed { windows: (0..windows).map(window).collect(), ..Observed::default() }
}

#[test]
fn no_difference_is_seen_where_there_is_none_but_seldom() {
    let mut random = Pcg64Mcg::seed_from_u64(11);
    for (paired, windows) in [(true, 8), (false, 6), (false, 12)] {
        let mut alarms = 0;
        for _ in 0..1_000 {
            let [a, b] = [(); 2].map(|()| noisy(&mut random, 1e5, 1e6, windows));
            let comparison = compare(&a, &b, paired);
            assert_eq!(comparison.differences.len(), 4);
            alarms += u32::from(comparison.differences.iter().any(|difference| difference.seen));
        }
        // 5 % at most, and three standard deviations of chance.
        assert!(alarms <= 71, "{paired} {windows}: {alarms} of 1000");
    }
}

#[test]
fn a_difference_of_a_tenth_is_seen() {
    let mut random = Pcg64Mcg::seed_from_u64(12);
    let (a, b) = (noisy(&mut random, 1e5, 1e6, 10), noisy(&mut random, 1.1e5, 1e6, 10));
    for paired in [true, false] {
        let comparison = compare(&a, &b, paired);
        let seen: Vec<&str> =
            comparison.differences.iter().filter(|one| one.seen).map(|one| one.figure.as_str()).collect();
        assert_eq!(seen, ["rate"], "{comparison:?}");
        let shift = comparison.differences[0].shift.unwrap();
        assert!((0.5e4..1.5e4).contains(&shift.estimate) && shift.low > 0.0 && shift.high < 2e4, "{shift:?}");
        assert!(shift.p_adjusted >= shift.p);
    }
}

#[test]
fn too_few_windows_are_compared_but_not_judged() {
    let mut random = Pcg64Mcg::seed_from_u64(13);
    let (a, b) = (noisy(&mut random, 1e5, 1e6, 3), noisy(&mut random, 9e5, 1e6, 3));
    let comparison = compare(&a, &b, false);
    assert!(comparison.differences.iter().all(|one| one.shift.is_none() && !one.seen));
    let needs = "A has 3, B has 3, and it takes 5 of each (-d 5s --interval 1s, or --repeat 5)";
    assert_eq!(comparison.notes, [format!("too few windows to tell a difference from chance: {needs}")]);
    let paired = compare(&a, &b, true);
    assert!(paired.notes[0].ends_with("A has 3, B has 3, and it takes 8 pairs (--rounds 8)"), "{paired:?}");
}

#[test]
fn windows_with_too_few_answers_for_a_figure_are_told() {
    let mut random = Pcg64Mcg::seed_from_u64(14);
    let [mut a, b] = [(); 2].map(|()| noisy(&mut random, 1e5, 1e6, 6));
    a.windows[0][3] = None;
    let comparison = compare(&a, &b, false);
    let told = "p99 is of 5 of 6 windows of A and 6 of 6 of B, with 100 answers or more: longer windows have more";
    assert_eq!(comparison.notes, [told]);
    assert!(comparison.differences.iter().all(|one| one.shift.is_some()), "five are enough: {comparison:?}");
    a.windows.iter_mut().for_each(|window| window[3] = None);
    let comparison = compare(&a, &b, false);
    assert_eq!(comparison.differences.len(), 3);
    assert!(comparison.notes[0].starts_with("p99 is of 0 of 6 windows of A"), "{comparison:?}");
}

#[test]
fn no_side_wins_that_answers_with_errors_or_is_away() {
    type Spoil = fn(&mut RunResult);
    let cases: [(Spoil, Option<&str>); 8] = [
        (|_| {}, None),
        (|r| r.status = [(200, r.requests.completed * 95 / 100), (404, r.requests.completed * 5 / 100)].into(), None),
        (|r| r.status = [(500, r.requests.completed)].into(), Some("B has 100.0% errors (500: 5241628)")),
        (|r| (r.requests.failed, r.errors.reset) = (100_000, 100_000), Some("B has 11.8% errors (failed: 700000)")),
        (|r| r.outcome = Outcome::Incomplete, Some("B: incomplete: not answered up to its end, or short of its count")),
        (|r| r.connections.down_ns = 3_000_000_000, Some("B: no connection was open for 30% of the time")),
        (|r| (r.requests.completed, r.status) = (0, [].into()), Some("B: not one response came")),
        (|r| r.interrupted = true, None),
    ];
    for (spoil, why) in cases {
        let mut random = Pcg64Mcg::seed_from_u64(14);
        let (mut a, mut b) = (noisy(&mut random, 1e5, 1e6, 10), noisy(&mut random, 3e5, 1e6, 10));
        let mut bad = samples::good();
        spoil(&mut bad);
        for _ in 0..7 {
            a.look_at(&samples::good());
            b.look_at(&bad);
        }
        let comparison = compare(&a, &b, true);
        assert_eq!(comparison.because, why.into_iter().collect::<Vec<_>>());
        assert_eq!(comparison.comparable, why.is_none(), "{why:?}");
        assert_eq!(comparison.differences[0].seen, why.is_none(), "three times the rate: {why:?}");
    }
}

#[test]
fn what_a_file_says_of_its_run_is_said() {
    let interrupted = RunResult { interrupted: true, elapsed_s: 3.0, ..samples::good() };
    let mut holes = samples::open();
    holes.intervals[1] = Interval { length_s: 1.0, ..Interval::default() };
    let comparison = compare(&Observed::of("a", &interrupted), &Observed::of("b", &holes), false);
    assert!(comparison.comparable && comparison.b.observations == 2, "{comparison:?}");
    let observations: Vec<[usize; 2]> = comparison.differences.iter().map(|one| one.observations).collect();
    assert_eq!(observations, [[1, 2], [1, 1], [1, 1], [1, 1]]);
    assert_eq!(comparison.notes[0], "A was interrupted after 3.00s");
    assert!(comparison.notes[1].contains("A has 1, B has 2,"), "{comparison:?}");
    assert!(comparison.notes[2].starts_with("p50 is of 1 of 1 windows of A and 1 of 2 of B"), "{comparison:?}");
    let silent = RunResult { requests: crate::result::Requests::default(), ..samples::good() };
    let comparison = compare(&Observed::of("a", &silent), &Observed::of("b", &holes), false);
    assert_eq!((comparison.a.outcome, comparison.comparable), (Outcome::NoAnswers, false));
}

#[test]
fn nothing_falls_by_more_than_all_of_it() {
    let mut random = Pcg64Mcg::seed_from_u64(15);
    for scatter in 0..50 {
        let mut a = noisy(&mut random, 1e5, 1e6, 10);
        let mut b = noisy(&mut random, 1.0, 1e6, 10);
        for (at, window) in a.windows.iter_mut().enumerate() {
            window[0] = window[0].map(|rate| rate * (1.0 + f64::from(scatter) * at as f64));
        }
        b.windows[0][0] = Some(0.0);
        for paired in [true, false] {
            let shift = compare(&a, &b, paired).differences[0].shift.unwrap();
            let relative = shift.relative.unwrap();
            assert!((-1.0..=-0.9).contains(&relative), "{scatter} {paired}: {shift:?}");
            let back = compare(&b, &a, paired).differences[0].shift.unwrap();
            assert!(back.relative.unwrap() > 0.0, "{back:?}");
        }
    }
    assert_eq!((relative(5.0, 0.0, 5.0), relative(0.0, 0.0, 0.0)), (None, None));
    assert_eq!(relative(1.0, 10.0, 11.0), Some(0.1));
}

#[test]
fn windows_come_from_repeats_or_else_from_whole_intervals() {
    let mut result = samples::open();
    result.intervals[1].length_s = 0.5;
    let observed = Observed::of("a.json", &result);
    assert_eq!(observed.windows, [[Some(1_000.0), Some(2e6), Some(4e6), Some(6e6)]]);
    result.repeated = Some(crate::result::Repeated::default());
    let observed = Observed::of("a.json", &result);
    assert_eq!(observed.len(), 2);
    assert_eq!(observed.windows[1], [Some(3_000.0), Some(2e6), Some(3e6), Some(6e6)]);
    let mut whole = Observed::new("b");
    whole.add(&result);
    whole.add(&result);
    assert_eq!((whole.len(), whole.windows[0][0]), (2, Some(2_000.0)));
}

#[test]
fn a_warning_is_told_once_whatever_its_figures() {
    let mut observed = Observed::new("a");
    for text in ["others used 30% of CPU 0", "others used 3.1% of CPU 0", "stolen"] {
        observed.add(&RunResult { warnings: vec![text.into()], ..samples::good() });
    }
    assert_eq!(observed.side.warnings, ["others used 30% of CPU 0", "stolen"]);
}
