#![allow(clippy::unwrap_used)]

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::result::bad_answers::BadAnswers;
use crate::result::search::Limit;
use crate::result::unanswered::Unanswered;

/// Of a probe, with its warm-up: the unit of the tests' time.
const PROBE: f64 = 1.0;
/// A slow machine is not waited for longer than this.
const PATIENCE: f64 = 8.0;
/// Slower than this a CPU is seen to be slow.
const SLOW: f64 = 10.0;

/// A server with one queue, known capacity and known times, on a machine that is not always itself.
struct Model {
    capacity: f64,
    /// How wide the rates are at which it holds by chance, as a share of the capacity.
    fuzzy: f64,
    /// The share of probes that are spoilt and nobody sees by what.
    hidden: f64,
    /// Spells of slowness, each from one instant to another.
    spells: Vec<(f64, f64)>,
    /// Until when the machine is slow from the beginning on, so that nobody knows its best speed.
    slow_until: f64,
    /// When the server dies.
    dies_at: f64,
    now: f64,
    best_seen: bool,
    random: Pcg64Mcg,
    probes: Vec<Probe>,
}

fn uniform(random: &mut Pcg64Mcg) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

impl Model {
    fn new(capacity: f64, seed: u64) -> Model {
        Model {
            capacity,
            fuzzy: 0.0,
            hidden: 0.0,
            spells: Vec::new(),
            slow_until: 0.0,
            dies_at: f64::INFINITY,
            now: 0.0,
            best_seen: false,
            random: Pcg64Mcg::seed_from_u64(seed),
            probes: Vec::new(),
        }
    }

    /// Spells of a quarter to six probes, after `gap` probes on average.
    fn with_spells(mut self, gap: f64) -> Model {
        let mut at = 0.0;
        while at < 2_000.0 {
            at += gap * (0.5 + uniform(&mut self.random));
            let length = 0.25 + 5.75 * uniform(&mut self.random).powi(2);
            self.spells.push((at, at + length));
            at += length;
        }
        self
    }

    fn is_slow(&self, at: f64) -> bool {
        at < self.slow_until || self.spells.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    fn is_slowed(&self, from: f64, to: f64) -> bool {
        from < self.slow_until || self.spells.iter().any(|(begins, ends)| *begins < to && *ends > from)
    }

    /// As the prober does: waits for the machine, runs, and looks at its speed before and after.
    fn try_load(&mut self, load: f64, why: Why) -> Option<Trial> {
        let gives_up = self.now + PATIENCE;
        let mut was_slow = false;
        let mut look = |this: &mut Model| {
            let slow = this.is_slow(this.now);
            // What is slow is known by what was faster.
            was_slow |= !slow && !this.best_seen && this.slow_until > 0.0 && !this.probes.is_empty();
            this.best_seen |= !slow;
            slow && this.best_seen
        };
        let mut slow = look(self);
        while slow && self.now < gives_up {
            self.now += 0.1;
            slow = look(self);
        }
        let (from, to) = (self.now, self.now + PROBE);
        self.now = to;
        slow |= look(self);
        // What is seen to have been slow when it began, by how fast it is now.
        slow |= was_slow && self.is_slow(from);
        if to > self.dies_at {
            return None;
        }
        let spoilt = uniform(&mut self.random) < self.hidden;
        let factor = if self.is_slowed(from, to) || spoilt { SLOW } else { 1.0 };
        let by_chance = self.capacity * (1.0 + self.fuzzy * (uniform(&mut self.random) - 0.5));
        let rho = load * factor / self.capacity;
        let probe = Probe {
            load,
            why,
            held: load * factor <= by_chance,
            disturbed: slow.then(|| "slow".to_owned()),
            asked_ns: (rho < 1.0).then(|| 1e5 / (1.0 - rho)),
            achieved_per_s: load.min(self.capacity / factor),
            limit: (load * factor > by_chance).then_some(Limit::Slo),
            ..Probe::default()
        };
        self.probes.push(probe.clone());
        Some(Trial { probe, was_slow })
    }

    fn search(&mut self, from: f64, precision: f64) -> Found {
        highest_rate(from, precision, |load, why| self.try_load(load, why))
    }
}

#[test]
fn the_capacity_is_found_from_any_beginning() {
    for capacity in [0.4, 7.0, 950.0, 5_000.0, 123_456.0, 8e6] {
        for from in [0.1, 1.0, 1_000.0, 1e6] {
            let mut model = Model::new(capacity, 1);
            let answer = model.search(from, 0.02).answer.unwrap();
            let off = answer.load / capacity;
            // Two digits of a rate below 10 are as near as it gets.
            assert!((0.97..=1.0).contains(&off), "{capacity} from {from}: {answer:?}");
            assert_eq!(answer.limit, Some(Limit::Slo));
            for (load, held) in [(answer.load, true), (answer.beyond.unwrap(), false)] {
                let runs: Vec<bool> = model.probes.iter().filter(|one| one.load == load).map(|one| one.held).collect();
                assert_eq!(runs, [held; 3], "{capacity} from {from}: {load}");
            }
            assert!(model.probes.len() < 65, "{} probes", model.probes.len());
        }
    }
}

/// What holds for every search of a server with a known capacity: its answer is right, or there is none but a range that is.
fn check(model: &Model, found: &Found, precision: f64, name: &str) -> bool {
    let capacity = model.capacity;
    if let Some(answer) = &found.answer {
        let nearest = capacity * (1.0 - precision - model.fuzzy / 2.0) * 0.99;
        let farthest = capacity * (1.0 + model.fuzzy / 2.0);
        assert!((nearest..=farthest).contains(&answer.load), "{name}: settled on {answer:?}, not {capacity}");
        return true;
    }
    if let Some(range) = found.range {
        let (low, high) = (range.low.unwrap_or(0.0), range.high.unwrap_or(f64::INFINITY));
        let (most, least) = (capacity * (1.0 + model.fuzzy / 2.0), capacity * (1.0 - model.fuzzy / 2.0));
        assert!(low <= most && high >= least && low <= high, "{name}: {range:?} is beside {capacity}");
    }
    false
}

fn settled_of(seeds: u64, precision: f64, name: &str, make: impl Fn(u64) -> Model) -> u64 {
    let mut settled = 0;
    for seed in 0..seeds {
        let mut model = make(seed);
        let found = model.search(1_000.0, precision);
        settled += u64::from(check(&model, &found, precision, &format!("{name}, seed {seed}")));
        assert!(model.probes.len() < 120, "{name}, seed {seed}: {} probes", model.probes.len());
    }
    settled
}

#[test]
fn spells_of_a_slow_machine_never_settle_a_wrong_answer() {
    for (gap, least) in [(40.0, 295), (12.0, 280), (4.0, 220)] {
        let name = format!("a spell after {gap} probes");
        let settled = settled_of(300, 0.02, &name, |seed| Model::new(20_000.0, seed).with_spells(gap));
        assert!(settled >= least, "{name}: {settled} of 300 settled");
    }
}

#[test]
fn what_spoils_a_probe_unseen_never_settles_a_wrong_answer() {
    for (share, least) in [(0.005, 480), (0.02, 450)] {
        let name = format!("{share} spoilt");
        let settled = settled_of(500, 0.02, &name, |seed| Model { hidden: share, ..Model::new(20_000.0, seed) });
        assert!(settled >= least, "{name}: {settled} of 500 settled");
    }
}

#[test]
fn a_machine_that_is_slow_from_the_beginning_is_found_out() {
    let settled = settled_of(100, 0.02, "slow at first", |seed| {
        let mut model = Model::new(20_000.0, seed);
        model.slow_until = 1.0 + 11.0 * uniform(&mut model.random);
        model
    });
    assert!(settled >= 90, "{settled} of 100 settled");
}

#[test]
fn a_server_that_holds_by_chance_near_its_capacity_has_a_range() {
    // Narrower than the precision: settled, mostly. Far wider: seldom, and then at one of the rates that hold by chance.
    let narrow = settled_of(300, 0.02, "narrow", |seed| Model { fuzzy: 0.01, ..Model::new(20_000.0, seed) });
    assert!(narrow >= 200, "{narrow} of 300 settled");
    let wide = settled_of(300, 0.02, "wide", |seed| Model { fuzzy: 0.30, ..Model::new(20_000.0, seed) });
    assert!(wide <= 150, "{wide} of 300 settled");
}

#[test]
fn a_server_that_dies_ends_it_without_an_answer() {
    for seed in 0..100 {
        let mut model = Model::new(20_000.0, seed);
        model.dies_at = 12.0 * uniform(&mut model.random);
        let found = model.search(1_000.0, 0.02);
        assert_eq!((found.answer.clone(), found.why), (None, Some(Unsettled::Ended)), "seed {seed}");
        check(&model, &found, 0.02, &format!("seed {seed}"));
    }
}

#[test]
fn a_machine_that_stays_slow_is_no_ground_for_an_answer() {
    let mut model = Model::new(20_000.0, 1);
    model.spells = vec![(5.5, f64::INFINITY)];
    let found = model.search(1_000.0, 0.02);
    assert_eq!((found.answer, found.why), (None, Some(Unsettled::Disturbed)));
    assert!(model.probes.len() <= 5 + 1 + REPEATS as usize, "{} probes", model.probes.len());
    assert_eq!(found.range, Some(Range { low: Some(16_000.0), high: None }), "what held before is known");
}

#[test]
fn a_miss_in_the_confirmation_breaks_the_answer() {
    // Above 10,000/s it holds when it is first tried, and never again.
    let mut tried = Vec::new();
    let found = highest_rate(8_000.0, 0.02, |load, why| {
        let held = load <= 10_000.0 || (load <= 16_000.0 && !tried.contains(&load));
        tried.push(load);
        let limit = (!held).then_some(Limit::Slo);
        Some(Trial { probe: Probe { load, why, held, limit, ..Probe::default() }, was_slow: false })
    });
    assert!(found.answer.is_none_or(|answer| answer.load <= 10_000.0), "not what held once");
    let range = found.range.unwrap();
    assert!(range.high.unwrap() > 10_000.0, "{range:?}");
}

#[test]
fn the_knee_is_where_times_double() {
    let answer = Model::new(10_000.0, 1).search(100.0, 0.02).answer.unwrap();
    // 1 / (1 - rho) is twice what it is at 200/s where rho is 0.51: of the rates tried, 3,200.
    assert_eq!(answer.knee, Some(3_200.0));
}

#[test]
fn nothing_holds_or_all_does() {
    let trial = |load, why, held| Some(Trial { probe: Probe { load, why, held, ..Probe::default() }, was_slow: false });
    let none = highest_rate(10.0, 0.02, |load, why| trial(load, why, false));
    assert_eq!((none.answer, none.why), (None, Some(Unsettled::NoneHolds)));
    let all = highest_rate(1e8, 0.02, |load, why| trial(load, why, true)).answer.unwrap();
    assert_eq!((all.load, all.beyond, all.limit), (8e8, None, None));
    let ended = highest_rate(10.0, 0.02, |_, _| None);
    assert_eq!(ended, Found { why: Some(Unsettled::Ended), ..Found::default() });
}

#[test]
fn a_server_that_is_too_slow_at_rest_or_answers_with_errors_is_given_up() {
    for errors in [false, true] {
        let mut probes = 0;
        let found = highest_rate(1_000.0, 0.02, |load, why| {
            probes += 1;
            // Up to 100/s are reached; at rest an answer takes 20 ms.
            let (achieved_per_s, asked_ns) = if load > 100.0 { (100.0, Some(1e9)) } else { (load, Some(2e7)) };
            let mut probe = Probe { load, why, achieved_per_s, asked_ns, ..Probe::default() };
            if errors {
                let bad = BadAnswers { share: 0.9, failed: 90, of: 100, ..BadAnswers::default() };
                (probe.errors, probe.limit) = (Some(bad), Some(Limit::Errors));
            }
            Some(Trial { probe, was_slow: false })
        });
        // 1000, 500, 250, 125, 62.5 and 31.3, each twice; with errors the first, twice, and the second tell.
        assert_eq!((found.answer, found.why), (None, Some(Unsettled::NoneHolds)));
        assert_eq!(probes, if errors { 3 } else { 12 });
    }
}

/// What comes of a server with this share of errors at a rate, and how many probes it took; all are errors: nothing is answered.
fn with_errors(from: f64, silent: bool, share: impl Fn(f64) -> f64) -> (Found, usize) {
    let mut probes = 0;
    let found = highest_rate(from, 0.02, |load, why| {
        probes += 1;
        let share = share(load);
        let errors = Some(BadAnswers { share, of: 1_000, ..BadAnswers::default() });
        let unanswered = silent.then(|| Unanswered { of: 9, waiting: 9, ..Unanswered::default() });
        let held = share < 0.1;
        let limit = (!held).then_some(Limit::Errors);
        Some(Trial {
            probe: Probe { load, why, achieved_per_s: load, errors, unanswered, held, limit, ..Probe::default() },
            was_slow: false,
        })
    });
    (found, probes)
}

#[test]
fn a_first_load_at_which_all_fails_ends_the_search() {
    let (found, probes) = with_errors(1_000.0, true, |_| 1.0);
    assert_eq!((found.answer, found.range, found.why, probes), (None, None, Some(Unsettled::Silent), 1));
    let (found, probes) = with_errors(1_000.0, false, |_| 1.0);
    assert_eq!((found.answer, found.why, probes), (None, Some(Unsettled::NoneHolds), 2));
    let (found, probes) = with_errors(1_000.0, false, |_| 0.12);
    assert_eq!((found.answer, found.why, probes), (None, Some(Unsettled::NoneHolds), 3));
}

#[test]
fn a_server_that_refuses_what_is_too_much_is_no_broken_one() {
    // It answers 100 requests each second, whatever else it is asked.
    let (found, _) = with_errors(2_000.0, false, |load| (1.0 - 100.0 / load).max(0.0));
    let answer = found.answer.unwrap();
    assert!((107.0..=112.0).contains(&answer.load), "{answer:?}");
}

/// A closed loop whose rate grows with the connections up to a ceiling, with noise of 2 %.
struct Growing {
    ceiling: f64,
    /// The share of probes that are slow by a factor of ten, seen and unseen.
    seen: f64,
    hidden: f64,
    /// From so many connections on all answers are errors.
    errors_from: usize,
    random: Pcg64Mcg,
    probes: usize,
}

impl Growing {
    fn new(ceiling: f64, seed: u64) -> Growing {
        let random = Pcg64Mcg::seed_from_u64(seed);
        Growing { ceiling, seen: 0.0, hidden: 0.0, errors_from: usize::MAX, random, probes: 0 }
    }

    fn search(&mut self, from: usize, to: usize) -> Found {
        fewest_connections(from, to, |load, why| {
            self.probes += 1;
            let seen = uniform(&mut self.random) < self.seen;
            let hidden = uniform(&mut self.random) < self.hidden;
            let noise = 0.99 + 0.02 * uniform(&mut self.random);
            let slow = if seen || hidden { 0.1 } else { 1.0 };
            let achieved_per_s = 1_000.0 * (load as f64).min(self.ceiling) * noise * slow;
            let disturbed = seen.then(|| "slow".to_owned());
            let held = load < self.errors_from;
            let probe = Probe { load: load as f64, why, achieved_per_s, disturbed, held, ..Probe::default() };
            Some(Trial { probe, was_slow: false })
        })
    }
}

fn is_fewest(answer: &Answer, ceiling: f64) {
    let want: f64 = (ENOUGH * f64::min(ceiling, 256.0)).ceil();
    assert!((answer.load - want).abs() <= (want * 0.08).max(1.0), "{ceiling}: {answer:?}");
}

#[test]
fn the_fewest_connections_are_found() {
    for ceiling in [1.0, 3.0, 10.0, 57.0, 200.0, 1_000.0] {
        is_fewest(&Growing::new(ceiling, 3).search(1, 256).answer.unwrap(), ceiling);
    }
    assert_eq!(Growing::new(5.0, 1).search(7, 7).answer.unwrap().load, 7.0);
    let none = fewest_connections(1, 4, |_, _| Some(Trial::default()));
    assert_eq!((none.answer, none.why), (None, Some(Unsettled::NoneHolds)));
    let ended = fewest_connections(1, 4, |_, _| None);
    assert_eq!((ended.answer, ended.why), (None, Some(Unsettled::Ended)));
}

#[test]
fn connections_are_settled_right_or_not_at_all() {
    for (seen, hidden, least) in [(0.1, 0.0, 195), (0.0, 0.03, 150)] {
        let mut settled = 0;
        for seed in 0..200 {
            let mut model = Growing { seen, hidden, ..Growing::new(57.0, seed) };
            let found = model.search(1, 256);
            if let Some(answer) = &found.answer {
                is_fewest(answer, 57.0);
                settled += 1;
            }
            assert!(model.probes < 60, "{} probes", model.probes);
        }
        assert!(settled >= least, "{seen} {hidden}: {settled} of 200 settled");
    }
}

#[test]
fn connections_with_too_many_errors_have_no_rate() {
    let mut model = Growing { errors_from: 32, ..Growing::new(57.0, 1) };
    let answer = model.search(1, 256).answer.unwrap();
    assert!((15.0..32.0).contains(&answer.load), "{answer:?}");
    let mut all = Growing { errors_from: 0, ..Growing::new(57.0, 1) };
    assert_eq!(all.search(1, 256).why, Some(Unsettled::NoneHolds));
}

#[test]
fn rates_are_such_as_people_type() {
    for (rate, want) in
        [(0.1, 0.1), (0.123_4, 0.123), (7.0, 7.0), (1_414.2, 1_410.0), (99_960.0, 100_000.0), (1e9, 1e9)]
    {
        assert_eq!(super::rates::rounded(rate), want);
    }
}
