#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

fn offer(stretches: &[Stretch], arrivals: Arrivals, workers: u64) -> Offer {
    Offer { profile: Arc::new(Profile::new(stretches)), arrivals, seed: 7, workers }
}

fn level(rate: f64) -> Stretch {
    Stretch { seconds: f64::INFINITY, from_per_s: rate, to_per_s: rate }
}

/// All instants of all workers, in order.
fn instants(offer: &Offer, ends_at: u64) -> Vec<u64> {
    let mut all = Vec::new();
    for worker in 0..offer.workers {
        let mut due = Due::new(offer.clone(), worker, 0);
        due.end(ends_at);
        while due.next() < ends_at {
            all.push(due.take());
        }
    }
    all.sort_unstable();
    all
}

#[test]
fn a_constant_rate_is_even_exact_and_without_drift() {
    for (rate, workers) in [(0.1, 1), (3.0, 4), (1_000.0, 1), (2_000.0, 3), (333_333.0, 2)] {
        let seconds = 5;
        let all = instants(&offer(&[level(rate)], Arrivals::Constant, workers), seconds * SECOND);
        assert_eq!(all.len() as f64, (rate * seconds as f64).ceil(), "{rate}/s of {workers}");
        for (number, at) in all.iter().enumerate() {
            let want = number as f64 / rate * 1e9;
            assert!((*at as f64 - want).abs() < 2.0, "{rate}/s: the {number}th at {at}, not {want}");
        }
    }
}

#[test]
fn after_a_day_it_is_still_exact() {
    let profile = Profile::new(&[level(100_000.0)]);
    let day = 86_400.0;
    let at = profile.instant_of(day * 100_000.0 + 1.0).unwrap() as f64;
    assert!((at - (day * 1e9 + 10_000.0)).abs() < 50.0, "{at}");
}

#[test]
fn a_ramp_brings_the_area_under_its_line() {
    let up = Stretch { seconds: 10.0, from_per_s: 100.0, to_per_s: 300.0 };
    let down = Stretch { seconds: 10.0, from_per_s: 300.0, to_per_s: 100.0 };
    for stretch in [up, down] {
        let all = instants(&offer(&[stretch], Arrivals::Constant, 2), u64::MAX);
        assert_eq!(all.len(), 2_000);
        let early = all.iter().filter(|&&at| at < 5 * SECOND).count();
        assert_eq!(early, if stretch == up { 750 } else { 1_250 });
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

#[test]
fn stages_follow_each_other() {
    let stages = [
        Stretch { seconds: 1.0, from_per_s: 10.0, to_per_s: 10.0 },
        Stretch { seconds: 2.0, from_per_s: 10.0, to_per_s: 50.0 },
        Stretch { seconds: 0.5, from_per_s: 1_000.0, to_per_s: 1_000.0 },
    ];
    let all = instants(&offer(&stages, Arrivals::Constant, 3), u64::MAX);
    let within = |from: f64, to: f64| all.iter().filter(|&&at| (from..to).contains(&(at as f64 / 1e9))).count();
    assert_eq!([within(0.0, 1.0), within(1.0, 3.0), within(3.0, 3.5), all.len()], [10, 60, 500, 570]);
}

/// Instants as the formulas say, with half a second's pause in between.
#[test]
fn a_ramp_from_nothing_a_pause_and_a_ramp_to_nothing() {
    let stretch = |seconds, from_per_s, to_per_s| Stretch { seconds, from_per_s, to_per_s };
    let all = [stretch(1.0, 0.0, 200.0), stretch(0.5, 0.0, 0.0), stretch(1.0, 200.0, 0.0), stretch(9.0, 0.0, 0.0)];
    let got = instants(&offer(&all, Arrivals::Constant, 3), u64::MAX);
    assert_eq!(got.len(), 200);
    for (number, at) in got.iter().enumerate() {
        let n = number as f64;
        let want = match number {
            ..100 => (n / 100.0).sqrt(),
            _ => 1.5 + 1.0 - (1.0 - (n - 100.0) / 100.0).sqrt(),
        };
        assert!((*at as f64 / 1e9 - want).abs() < 1e-6, "the {number}th at {at}, not {want}");
    }
    // Also where it begins with a pause, and where the rate never comes back.
    let late = instants(&offer(&[stretch(2.0, 0.0, 0.0), level(10.0)], Arrivals::Constant, 2), 3 * SECOND);
    assert_eq!((late.len(), late[0]), (10, 2 * SECOND));
    let mut due = Due::new(offer(&[stretch(1.0, 0.0, 0.0)], Arrivals::Poisson, 1), 0, 0);
    assert_eq!(due.next(), u64::MAX);
    due.end(SECOND);
    assert_eq!(due.next(), u64::MAX);
}

fn any_rate() -> impl Strategy<Value = f64> {
    prop_oneof![2 => Just(0.0), 1 => 0.1..10.0f64, 2 => 10.0..3_000.0f64]
}

fn any_stretch() -> impl Strategy<Value = Stretch> {
    let rates = prop_oneof![any_rate().prop_map(|rate| (rate, rate)), (any_rate(), any_rate())];
    (0.001..2.0f64, rates).prop_map(|(seconds, (from_per_s, to_per_s))| Stretch { seconds, from_per_s, to_per_s })
}

/// How many requests `stretches` bring within the first `seconds`, by the trapezoids under their lines.
fn area(stretches: &[Stretch], seconds: f64) -> f64 {
    let mut left = seconds;
    let part = |one: &Stretch| {
        let span = left.clamp(0.0, one.seconds);
        left -= one.seconds;
        let at_end = one.from_per_s + (one.to_per_s - one.from_per_s) * span / one.seconds;
        (one.from_per_s + at_end) / 2.0 * span
    };
    stretches.iter().map(part).sum()
}

proptest! {
    /// Whatever the rates, 0 among them: until each instant as many are due as the area has it.
    #[test]
    fn what_is_due_is_the_area_under_the_rate(
        stretches in prop::collection::vec(any_stretch(), 1..6),
        workers in 1u64..5,
        poisson: bool,
    ) {
        let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Constant };
        let offer = offer(&stretches, arrivals, workers);
        for worker in 0..workers {
            let (mut due, mut last) = (Due::new(offer.clone(), worker, 0), 0);
            while due.next() != u64::MAX {
                let at = due.take();
                prop_assert!(at >= last, "{at} after {last}");
                last = at;
            }
        }
        let all = instants(&offer, u64::MAX);
        if !poisson {
            let whole = area(&stretches, f64::INFINITY);
            prop_assert!((all.len() as f64 - whole).abs() <= 1.0 + 1e-6, "{} of {whole}", all.len());
            for (number, at) in all.iter().enumerate() {
                // Cut off to the nanosecond; where the rate is low that moves the area by nothing.
                let until = area(&stretches, (*at as f64 + 1.0) / 1e9);
                prop_assert!((until - number as f64).abs() < 1e-3, "{until} until the {number}th at {at}");
            }
        }
        let mut begin = 0.0;
        for stretch in &stretches {
            let end = begin + stretch.seconds;
            if stretch.from_per_s == 0.0 && stretch.to_per_s == 0.0 {
                // To the rounding of its edges.
                let (from, to) = ((begin * 1e9) as u64 + 2, (end * 1e9) as u64 - 2);
                prop_assert!(!all.iter().any(|at| (from..to).contains(at)), "something is due in a pause");
            }
            begin = end;
        }
    }
}

#[test]
fn a_count_ends_it_and_so_does_an_early_close() {
    let offer = offer(&[level(1_000.0)], Arrivals::Constant, 1);
    let mut due = Due::new(offer.clone(), 0, 5).counting(0, 3);
    assert_eq!([due.take(), due.take(), due.take(), due.next()], [5, 1_000_005, 2_000_005, u64::MAX]);
    let mut due = Due::new(offer.clone(), 0, 0);
    due.take();
    due.end(1_000_001);
    assert_eq!(due.take(), 1_000_000);
    assert_eq!(due.next(), u64::MAX);
    // What is due in the warm-up does not count.
    let mut due = Due::new(offer, 0, 0).counting(2_000_000, 1);
    assert_eq!([due.take(), due.take(), due.take(), due.next()], [0, 1_000_000, 2_000_000, u64::MAX]);
}

fn waiting(rate: f64, places: usize, deadline_ns: Option<u64>) -> Schedule {
    let offer = offer(&[level(rate)], Arrivals::Constant, 1);
    Schedule::open(Due::new(offer, 0, 0), places, deadline_ns, vec![2_500_000])
}

/// What is taken at `now`.
fn taken(schedule: &mut Schedule, now: u64) -> Vec<u64> {
    schedule.advance(now, |at, _| panic!("{at} is shed"));
    let mut all = Vec::new();
    while schedule.has_waiting() {
        all.push(schedule.take(now));
        schedule.advance(now, |at, _| panic!("{at} is shed"));
    }
    all
}

#[test]
fn what_is_due_waits_however_long_and_comes_in_order() {
    let mut schedule = waiting(1_000.0, 2, None);
    assert_eq!(taken(&mut schedule, 0), [0]);
    assert_eq!(schedule.next(), 1_000_000);
    let late = taken(&mut schedule, 60 * SECOND);
    assert_eq!(late.len(), 60_000, "more than are held at a time");
    assert!(late.windows(2).all(|pair| pair[0] < pair[1]));
    schedule.give_back(late[7]);
    assert_eq!(taken(&mut schedule, 60 * SECOND), [late[7]]);
}

#[test]
fn what_waited_too_long_is_shed_and_told() {
    let mut schedule = waiting(1_000.0, 4, Some(3_000_000));
    let mut shed = Vec::new();
    schedule.advance(10_000_000, |at, count| shed.push((at, count)));
    // Those that were never held in groups, none of them reaching over a bound.
    assert_eq!(shed, [(0, 3), (3_000_000, 4)]);
    assert_eq!(schedule.take(0), 7_000_000);
    let (mut unsent, mut late) = (0, 0);
    schedule.abandon(15_000_000, |_, count, too_long| if too_long { late += count } else { unsent += count });
    assert_eq!((late, unsent), (4, 3), "8 to 11 ms, and 12 to 14 ms");
    assert!(schedule.is_over());
}

#[test]
fn waiting_requests_are_spread_over_the_ready_connections() {
    let mut schedule = waiting(1_000.0, 64, None);
    schedule.advance(9_000_000, |_, _| ());
    for (free, ready, share) in [(16, 1, 10), (4, 1, 4), (16, 3, 4), (16, 10, 1), (16, 50, 1), (0, 1, 0)] {
        assert_eq!(schedule.share(free, ready), share, "{free} places, {ready} ready");
    }
    assert_eq!(Schedule::Closed.share(16, 3), 16);
    assert!(Schedule::Closed.has_waiting() && !Schedule::Closed.is_over());
}

/// The largest distance between the shares of gaps up to each length, as drawn and as the exponential distribution has it, in
/// units of its critical value at 1 % (Kolmogorov and Smirnov).
fn distance_from_exponential(instants: &[u64], rate: f64) -> f64 {
    let mut gaps: Vec<f64> = instants.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e9).collect();
    gaps.sort_by(f64::total_cmp);
    let n = gaps.len() as f64;
    let distance = |(number, gap): (usize, &f64)| {
        let share = 1.0 - (-gap * rate).exp();
        (share - number as f64 / n).abs().max((share - (number + 1) as f64 / n).abs())
    };
    gaps.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt() / 1.628
}

#[test]
fn poisson_gaps_are_exponential_by_kolmogorov_and_smirnov() {
    // One stream, and several together, which make one again. One in a hundred is to fail by chance.
    for workers in [1, 2, 5] {
        let mut beyond = 0;
        for seed in 0..50 {
            let offer = Offer { seed, ..offer(&[level(1_000.0)], Arrivals::Poisson, workers) };
            let all = instants(&offer, 2 * SECOND);
            assert!((all.len() as f64 - 2_000.0).abs() < 5.0 * 2_000f64.sqrt(), "{} arrivals", all.len());
            beyond += usize::from(distance_from_exponential(&all, 1_000.0) > 1.0);
        }
        assert!(beyond <= 3, "{beyond} of 50 streams of {workers} workers are not exponential at 1 %");
    }
    let even = instants(&offer(&[level(1_000.0)], Arrivals::Constant, 1), 2 * SECOND);
    assert!(distance_from_exponential(&even, 1_000.0) > 5.0, "the test tells constant arrivals apart");
}

#[test]
fn the_same_seed_gives_the_same_instants_and_another_one_others() {
    let make = |seed| instants(&Offer { seed, ..offer(&[level(500.0)], Arrivals::Poisson, 2) }, SECOND);
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
}

/// Walking through them one by one and passing over them in leaps come to the same.
#[test]
fn what_is_passed_over_is_what_would_have_been_taken() {
    let ramp = Stretch { seconds: 0.5, from_per_s: 100.0, to_per_s: 9_000.0 };
    let pause = Stretch { seconds: 0.1, from_per_s: 0.0, to_per_s: 0.0 };
    let from_nothing = Stretch { from_per_s: 0.0, ..ramp };
    let profiles: [&[Stretch]; 5] = [
        &[level(12_345.6)],
        &[level(1e6 / 3.0)],
        &[ramp, level(777.0)],
        &[Stretch { seconds: 0.25, ..ramp }, ramp],
        &[pause, from_nothing, pause, level(5_000.0)],
    ];
    for (number, stretches) in profiles.into_iter().enumerate() {
        for workers in [1, 3] {
            for (count, starts_at) in [(None, 0), (Some(500), 123_456_789)] {
                let offer = offer(stretches, Arrivals::Constant, workers);
                let make = |worker| {
                    let due = Due::new(offer.clone(), worker, starts_at);
                    // Counting begins after a warm-up.
                    count.map_or(due.clone(), |count| due.counting(starts_at + 30_000_000, count))
                };
                for worker in 0..workers {
                    let (mut leaping, mut walking) = (make(worker), make(worker));
                    for step in 1..40u64 {
                        let until = starts_at + step * step * 500_003;
                        let mut walked = 0;
                        while walking.next() < until {
                            walking.take();
                            walked += 1;
                        }
                        assert_eq!(leaping.skip(until), walked, "profile {number}, worker {worker}, to {until}");
                        assert_eq!(leaping.next(), walking.next());
                    }
                }
            }
        }
    }
}

#[test]
fn a_thousand_million_are_passed_over_at_once() {
    let offer_of = |arrivals, seed| Offer { seed, ..offer(&[level(1e9)], arrivals, 2) };
    for worker in 0..2 {
        let mut due = Due::new(offer_of(Arrivals::Constant, 1), worker, 77);
        due.end(77 + SECOND);
        due.take();
        assert_eq!(due.skip(u64::MAX), 500_000_000 - 1);
        assert_eq!(due.next(), u64::MAX);
    }
    // Of random arrivals the number is random, too: by as much as a Poisson distribution has it, and the same for the same seed.
    let counts: Vec<u64> = (0..50).map(|seed| Due::new(offer_of(Arrivals::Poisson, seed), 0, 0).skip(SECOND)).collect();
    let deviations: Vec<f64> = counts.iter().map(|&count| (count as f64 - 5e8) / 5e8f64.sqrt()).collect();
    assert!(deviations.iter().all(|one| one.abs() < 5.0), "{deviations:?}");
    let variance = deviations.iter().map(|one| one * one).sum::<f64>() / 50.0;
    assert!((0.4..2.0).contains(&variance), "{variance}");
    assert_eq!(Due::new(offer_of(Arrivals::Poisson, 7), 0, 0).skip(SECOND), counts[7]);
}

#[test]
fn a_queue_far_behind_its_deadline_is_shed_at_once() {
    let mut schedule = waiting(1e9, 4, Some(SECOND / 10));
    let mut shed = 0;
    schedule.advance(10 * SECOND, |_, count| shed += count);
    assert_eq!(shed, 9_900_000_000);
    assert_eq!(schedule.take(0), 9_900_000_000);
}

/// A rate that changes on the way is the same as one that was planned so.
#[test]
fn another_rate_from_an_instant_on_is_as_if_it_had_been_planned() {
    let up = Stretch { seconds: 10.0, from_per_s: 100.0, to_per_s: 300.0 };
    let of = |seconds, rate| Stretch { seconds, from_per_s: rate, to_per_s: rate };
    let half = Stretch { seconds: 5.0, from_per_s: 100.0, to_per_s: 200.0 };
    for (planned, at_s, rate, same) in [
        (vec![level(100.0)], 2.5, 400.0, vec![of(2.5, 100.0), level(400.0)]),
        (vec![up], 5.0, 400.0, vec![half, level(400.0)]),
        (vec![of(1.0, 50.0), level(100.0)], 1.0, 7.0, vec![of(1.0, 50.0), level(7.0)]),
        (vec![of(1.0, 50.0)], 3.0, 7.0, vec![of(1.0, 50.0), of(2.0, 0.0), level(7.0)]),
    ] {
        let ends_at = 20 * SECOND;
        for workers in [1, 3] {
            let as_planned = instants(&offer(&same, Arrivals::Constant, workers), ends_at);
            let mut changed = Vec::new();
            for worker in 0..workers {
                let mut due = Due::new(offer(&planned, Arrivals::Constant, workers), worker, 0);
                due.end(ends_at);
                // Some is taken, and some is still due when the rate changes.
                let at = (at_s * 1e9) as u64;
                while due.next() < at / 2 {
                    changed.push(due.take());
                }
                due.go_on_with(rate, at);
                while due.next() < ends_at {
                    changed.push(due.take());
                }
            }
            changed.sort_unstable();
            assert_eq!(changed.len(), as_planned.len(), "{planned:?}");
            assert!(changed.iter().zip(&as_planned).all(|(is, want)| is.abs_diff(*want) < 10), "{planned:?}");
        }
    }
    let mut due = Due::new(offer(&[level(100.0)], Arrivals::Constant, 1), 0, 0);
    due.go_on_with(0.0, SECOND);
    let until = std::iter::repeat_with(|| due.take()).take_while(|at| *at < 86_400 * SECOND).count();
    assert_eq!(until, 100, "what was due before the pause");
    assert_ne!(due.next(), u64::MAX, "a pause is no end");
}
