use super::*;

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

fn table(behaviour: Behaviour) -> Timetable {
    Timetable::new(behaviour, 0)
}

fn pause(length_ms: u64, period_ms: u64) -> Option<Pause> {
    Some(Pause { length: Duration::from_millis(length_ms), period: Duration::from_millis(period_ms) })
}

/// Instants of a Poisson process with this mean gap.
fn poisson(mean_ns: f64, seed: u64) -> impl Iterator<Item = u64> {
    let (mut random, mut at) = (Pcg64Mcg::seed_from_u64(seed), 0.0);
    std::iter::repeat_with(move || {
        let uniform = ((random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        at -= uniform.ln() * mean_ns;
        at as u64
    })
}

/// The smallest value that at least `share` of them do not exceed.
fn quantile(sorted: &[u64], share: f64) -> u64 {
    sorted[(sorted.len() as f64 * share).ceil() as usize - 1]
}

#[test]
fn by_default_answers_leave_at_once_and_a_delay_is_each_requests_own() {
    let mut at_once = table(Behaviour::default());
    let mut delayed = table(Behaviour { delay: Duration::from_millis(5), ..Behaviour::default() });
    for received in [0, 1, 1, 7, 10 * MS, 10 * MS + 1] {
        assert_eq!(at_once.departure(received), received);
        assert_eq!(delayed.departure(received), received + 5 * MS);
    }
}

#[test]
fn one_queue_serves_in_order_of_reception() {
    let constant = Service::Constant(Duration::from_nanos(100));
    let mut table = table(Behaviour { service: Some(constant), ..Behaviour::default() });
    let departures = [0, 10, 20, 500, 550, 700].map(|received| table.departure(received));
    assert_eq!(departures, [100, 200, 300, 600, 700, 800]);
}

#[test]
fn waits_are_those_of_the_lindley_recursion() {
    let mean = Duration::from_micros(200);
    let behaviour = Behaviour { service: Some(Service::Exponential(mean)), seed: 7, ..Behaviour::default() };
    let mut table = table(behaviour);
    let mut services = self::table(behaviour);
    let (mut wait, mut last, mut total) = (0, 0, 0);
    const REQUESTS: u64 = 200_000;
    for received in poisson(250_000.0, 11).take(REQUESTS as usize) {
        let service = services.service();
        // The wait of the next is the wait of the last and its service, less the gap between the two.
        wait = u64::saturating_sub(wait, received - last);
        let departure = table.departure(received);
        assert_eq!(departure, received + wait + service);
        (wait, last, total) = (wait + service, received, total + service);
    }
    let drawn = total as f64 / REQUESTS as f64 / 200_000.0;
    assert!((0.99..1.01).contains(&drawn), "the mean service is {drawn} of what was asked for");
}

#[test]
fn constant_service_of_poisson_arrivals_waits_as_theory_says() {
    const SERVICE_NS: f64 = 200_000.0;
    for (seed, share) in [(1, 0.3), (2, 0.6), (3, 0.8), (4, 0.9)] {
        let service = Service::Constant(Duration::from_nanos(SERVICE_NS as u64));
        let mut table = table(Behaviour { service: Some(service), ..Behaviour::default() });
        let requests = 4_000_000;
        let responses = poisson(SERVICE_NS / share, seed).take(requests).map(|at| (table.departure(at) - at) as f64);
        let mean = responses.sum::<f64>() / requests as f64 - SERVICE_NS;
        let theory = share * SERVICE_NS / (2.0 * (1.0 - share));
        assert!((mean / theory - 1.0).abs() < 0.03, "at {share}: waited {mean} ns, should be {theory}");
    }
}

#[test]
fn seeds_and_threads_draw_their_own_services() {
    let behaviour = |seed| Behaviour {
        service: Some(Service::Exponential(Duration::from_millis(1))),
        seed,
        ..Behaviour::default()
    };
    let draws = |seed, thread| {
        let mut table = Timetable::new(behaviour(seed), thread);
        [(); 4].map(|()| table.service())
    };
    assert_eq!(draws(1, 0), draws(1, 0));
    assert_ne!(draws(1, 0), draws(2, 0));
    assert_ne!(draws(1, 0), draws(1, 1));
}

#[test]
fn a_pause_is_the_last_part_of_each_period_since_the_beginning() {
    let origin = 12_345;
    let mut table = table(Behaviour { pause: pause(100, 1000), ..Behaviour::default() });
    table.begin(origin);
    for (received, leaves) in [
        (0, 0),
        (900 * MS - 1, 900 * MS - 1),
        (900 * MS, S),
        (950 * MS, S),
        (S - 1, S),
        (S, S),
        (S + 5, S + 5),
        (60 * S + 899 * MS, 60 * S + 899 * MS),
        (60 * S + 999 * MS, 61 * S),
    ] {
        assert_eq!(table.departure(origin + received), origin + leaves, "{received}");
    }
}

#[test]
fn uniform_arrivals_meet_a_pause_at_known_percentiles() {
    let mut table = table(Behaviour { pause: pause(100, 1000), ..Behaviour::default() });
    table.begin(777);
    let arrivals = (0..40_000).map(|number| 777 + number * MS / 2);
    let mut responses: Vec<u64> = arrivals.map(|at| table.departure(at) - at).collect();
    responses.sort_unstable();
    // One in ten arrivals waits for up to 100 ms, evenly.
    assert_eq!(quantile(&responses, 0.90), 0);
    assert_eq!(quantile(&responses, 0.95), 50 * MS);
    assert_eq!(quantile(&responses, 0.99), 90 * MS);
    assert_eq!(responses.last(), Some(&(100 * MS)));
}

#[test]
fn service_rests_in_pauses_and_the_delay_comes_after_it() {
    let behaviour = Behaviour {
        delay: Duration::from_millis(3),
        pause: pause(4, 10),
        service: Some(Service::Constant(Duration::from_millis(2))),
        seed: 1,
    };
    let mut table = table(behaviour);
    // 5 ms: one ms of service, the pause, another one; the next is served from 11 ms to 13 and leaves at 16, in the next pause.
    let departures = [0, 5 * MS, 5 * MS, 21 * MS].map(|received| table.departure(received));
    assert_eq!(departures, [5 * MS, 14 * MS, 20 * MS, 30 * MS]);
    // A service longer than a period's rest goes over several pauses.
    let long = Some(Service::Constant(Duration::from_millis(20)));
    let mut table = self::table(Behaviour { delay: Duration::ZERO, service: long, ..behaviour });
    assert_eq!(table.departure(0), 32 * MS);
}

#[test]
fn departures_never_go_back() {
    for seed in 0..50 {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut some = |odds: u64| random.next_u64().is_multiple_of(odds);
        let behaviour = Behaviour {
            delay: Duration::from_micros(if some(2) { 0 } else { 700 }),
            pause: if some(2) { pause(3, 7) } else { None },
            service: if some(2) { None } else { Some(Service::Exponential(Duration::from_micros(90))) },
            seed,
        };
        let (mut table, mut last) = (table(behaviour), 0);
        for received in poisson(100_000.0, seed).take(5_000) {
            let leaves = table.departure(received);
            assert!(leaves >= last && leaves >= received, "seed {seed}: {leaves} after {last}");
            last = leaves;
        }
    }
}
