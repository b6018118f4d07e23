//! The open loop: everything due is sent, however late, and every sample counts from its intended instant.

use std::sync::Arc;

use super::*;
use crate::measure::counters::{Classes, Intended};
use crate::measure::histogram::Histogram;
use crate::measure::schedule::{Arrivals, Offer, Profile, Stretch};
use crate::worker::OpenJob;
use crate::worker::fake::{Action, ConnectOutcome};
use crate::worker::series::Merger;

/// So many requests a second for 200 ms, answered within half a second or not at all.
pub(super) fn open_job(rate_per_s: f64, arrivals: Arrivals) -> Job {
    let level = Stretch { seconds: f64::INFINITY, from_per_s: rate_per_s, to_per_s: rate_per_s };
    let offer = Offer { profile: Arc::new(Profile::new(&[level])), arrivals, seed: 5, workers: 1 };
    Job {
        open: Some(OpenJob { offer, worker: 0, deadline_ns: None, spin: false, stages_ns: Vec::new() }),
        duration_ns: Some(200 * MS),
        timeout_ns: 500 * MS,
        drain_ns: 500 * MS,
        ..job()
    }
}

fn change(job: &mut Job, with: impl FnOnce(&mut OpenJob)) {
    with(job.open.as_mut().expect("an open loop"));
}

fn intended(ran: &Ran) -> Intended {
    ran.done.stats.requests.open.expect("an open loop")
}

fn figures(histogram: &Histogram) -> (u64, f64) {
    histogram.summary(None).map_or((0, 0.0), |summary| (summary.count, summary.mean * summary.count as f64))
}

/// What holds in every open loop without a warm-up.
fn run_open(fake: Fake) -> Ran {
    let ran = run(fake);
    let stats = &ran.done.stats;
    let Intended { intended, shed, unsent, .. } = intended(&ran);
    assert_eq!(intended, stats.requests.sent - stats.requests.discarded + shed + unsent);
    let (response, lag) = (figures(&stats.latencies.response), figures(&stats.latencies.lag));
    assert_eq!((response.0, lag.0), (stats.requests.completed, stats.requests.sent), "each answer, each send");
    if stats.requests.completed == stats.requests.sent {
        let service = figures(&stats.latencies.service());
        assert!(
            (response.1 - service.1 - lag.1).abs() < 1.0,
            "response = lag + service: {response:?} {service:?} {lag:?}"
        );
    }
    ran
}

#[test]
fn as_many_are_sent_as_the_rate_has_it_and_on_time() {
    for_seeds(40, |seed| {
        let mut job = open_job(5_000.0, Arrivals::Constant);
        (job.connections, job.pipeline) = (40, 1 + (seed % 3) as u32);
        let mut fake = Fake::new(seed, job, Behaviour { delay_ns: 50_000..150_000, ..Behaviour::good() });
        fake.late_ns = 0..20_000;
        let ran = run_open(fake);
        let stats = &ran.done.stats;
        assert_eq!(intended(&ran), Intended { intended: 1_000, ..Intended::default() });
        assert_eq!((stats.requests.sent, stats.requests.completed), (1_000, 1_000));
        assert_eq!(ran.done.elapsed_ns, 200 * MS);
        assert!((990..=1_000).contains(&ran.done.inside), "the last ones come while draining: {}", ran.done.inside);
        let lag = stats.latencies.lag.quantile_ns(0.9).expect("sends");
        assert!(lag < 25_000, "as late as the enters: {lag} ns");
    });
}

#[test]
fn a_server_that_stands_still_is_charged_for_all_who_waited() {
    for_seeds(20, |seed| {
        let mut job = open_job(10_000.0, Arrivals::Constant);
        job.connections = 4;
        // Each answer takes 1 ms: four connections bring 4,000 a second, 800 within the window.
        let fake = Fake::new(seed, job, Behaviour { delay_ns: MS..MS + 1, split: 0, ..Behaviour::good() });
        let ran = run_open(fake);
        assert_eq!(intended(&ran).intended, 2_000);
        assert_eq!(ran.done.stats.requests.completed, 2_000, "also those that were sent while draining");
        assert!((700..=810).contains(&ran.done.inside), "{}", ran.done.inside);
        let share = ran.done.received_inside as f64 / ran.done.stats.bytes.received as f64;
        assert!((0.3..0.45).contains(&share), "the drain's bytes are not the window's: {share}");
        assert!(intended(&ran).sent_late > 1_000);
        let latencies = &ran.done.stats.latencies;
        assert!(latencies.service().quantile_ns(1.0) < Some(3 * MS));
        // The last was due at 200 ms and answered at 500.
        let longest = latencies.response.quantile_ns(1.0).expect("answers");
        assert!((290 * MS..350 * MS).contains(&longest), "{longest}");
    });
}

#[test]
fn what_is_unanswered_when_the_drain_is_over_is_said() {
    for_seeds(20, |seed| {
        let mut job = open_job(1_000.0, Arrivals::Constant);
        job.drain_ns = 20 * MS;
        let fake = Fake::new(seed, job, Behaviour { actions: vec![(Action::Stall, 1)], ..Behaviour::good() });
        let ran = run_open(fake);
        let requests = ran.done.stats.requests;
        assert_eq!((requests.sent, requests.in_flight_at_end), (2, 2));
        assert_eq!((intended(&ran).intended, intended(&ran).unsent), (200, 198));
        assert!(ran.fake.time.last() < ran.fake.at(240 * MS));
    });
}

#[test]
fn timeouts_within_the_drain_are_failures() {
    for_seeds(20, |seed| {
        let mut job = open_job(100.0, Arrivals::Constant);
        (job.connections, job.timeout_ns, job.drain_ns) = (30, 50 * MS, 50 * MS);
        let fake = Fake::new(seed, job, Behaviour { actions: vec![(Action::Stall, 1)], ..Behaviour::good() });
        let requests = run_open(fake).done.stats.requests;
        assert_eq!((requests.sent, requests.failed, requests.in_flight_at_end), (20, 20, 0));
    });
}

#[test]
fn nothing_is_lost_whatever_the_server_does() {
    for_seeds(250, |seed| {
        let shape = job_of(seed);
        let arrivals = [Arrivals::Constant, Arrivals::Poisson][(seed % 2) as usize];
        let mut job = Job { drain_ns: shape.timeout_ns, ..shape };
        job.open = open_job([300.0, 3_000.0, 30_000.0][(seed / 2 % 3) as usize], arrivals).open;
        change(&mut job, |open| {
            open.deadline_ns = [None, Some(5 * MS)][(seed / 3 % 2) as usize];
            open.spin = seed % 4 == 0;
        });
        let mut fake = Fake::new(seed, job, Behaviour::hostile(seed));
        fake.rooms = [512..513, 0..4][(seed / 2 % 2) as usize].clone();
        fake.failed_sends = seed % 5;
        if seed % 7 == 0 {
            fake.halt_at = Some(fake.at(seed % 90 * MS));
        }
        nobody_was_there(&run_open(fake));
    });
}

#[test]
fn what_waits_past_its_deadline_is_shed_and_counted() {
    for_seeds(20, |seed| {
        let mut job = open_job(10_000.0, Arrivals::Constant);
        change(&mut job, |open| open.deadline_ns = Some(10 * MS));
        let fake = Fake::new(seed, job, Behaviour { delay_ns: MS..MS + 1, split: 0, ..Behaviour::good() });
        let ran = run_open(fake);
        let open = intended(&ran);
        assert_eq!(open.intended, 2_000);
        assert!(open.shed > 1_400, "{open:?}");
        let longest = ran.done.stats.latencies.lag.quantile_ns(1.0).expect("sends");
        assert!(longest <= 10 * MS + 50_000, "{longest}");
    });
}

#[test]
fn a_count_ends_it_exactly() {
    for_seeds(40, |seed| {
        let mut job = open_job(2_000.0, [Arrivals::Constant, Arrivals::Poisson][(seed % 2) as usize]);
        (job.duration_ns, job.requests) = (None, Some(1 + seed * 3));
        let ran = run_open(Fake::new(seed, job, Behaviour::good()));
        assert_eq!(intended(&ran).intended, 1 + seed * 3);
        assert_eq!(ran.done.stats.requests.completed, 1 + seed * 3);
    });
}

#[test]
fn the_window_begins_clean_after_a_warm_up() {
    for_seeds(40, |seed| {
        let mut job = open_job(5_000.0, Arrivals::Constant);
        (job.connections, job.warmup_ns, job.timeout_ns) = (40, 100 * MS, 20 * MS);
        // Bad behaviour ends with the warm-up, but for the resets of what was sent before.
        let mut fake = Fake::new(
            seed,
            job,
            Behaviour { actions: vec![(Action::Stall, 1), (Action::Answer, 3)], ..Behaviour::good() },
        );
        fake.later = vec![(fake.at(50 * MS), Behaviour::good())];
        let (time, starts_at) = (fake.time.clone(), fake.starts_at);
        let (job, control) = (fake.job.clone(), fake.control.clone());
        let done = work(&job, starts_at, &mut fake, &time, &Progress::default(), &control);
        let requests = done.stats.requests;
        assert_eq!(requests.open, Some(Intended { intended: 1_000, ..Intended::default() }), "{requests:?}");
        assert_eq!((requests.sent, requests.completed, requests.failed), (1_000, 1_000, 0));
        assert_eq!(done.elapsed_ns, 200 * MS);
        assert_eq!(done.completed_by_slot.iter().sum::<u64>(), 1_000);
        assert_eq!(done.stats.connections.established, 40);
        assert_eq!(done.stats.status.iter().sum::<u64>(), 1_000);
    });
}

/// The window's answers by what may count of them, after a warm-up of 100 ms.
fn inside_after_warm_up(seed: u64, job: Job, warm_up: Behaviour, window: Behaviour) -> (u64, u64, Intended) {
    let job = Job { warmup_ns: 100 * MS, ..job };
    let mut fake = Fake::new(seed, job.clone(), warm_up);
    fake.later = vec![(fake.at(100 * MS), window)];
    let (time, starts_at, control) = (fake.time.clone(), fake.starts_at, fake.control.clone());
    let done = work(&job, starts_at, &mut fake, &time, &Progress::default(), &control);
    (done.inside, done.inside_at_most, done.stats.requests.open.expect("an open loop"))
}

#[test]
fn the_warm_ups_backlog_is_not_the_windows_rate() {
    let takes = |ns: u64| Behaviour { delay_ns: ns..ns + 1, split: 0, ..Behaviour::good() };
    for_seeds(40, |seed| {
        // Four connections: 4,000 of 5,000 a second are answered until the window begins, then all and the backlog.
        let job = Job { connections: 4, ..open_job(5_000.0, Arrivals::Constant) };
        let (inside, at_most, open) = inside_after_warm_up(seed, job, takes(MS), takes(20_000));
        assert!(inside > 1_050, "a backlog is answered inside the window: {inside}");
        assert_eq!((at_most, open.intended), (1_000, 1_000));
    });
    for_seeds(40, |seed| {
        // Answers of 50 ms: as many at least come that were due in the warm-up as are still to come at the end.
        let job = Job { connections: 100, ..open_job(1_000.0, Arrivals::Constant) };
        let (inside, at_most, _) = inside_after_warm_up(seed, job, takes(50 * MS), takes(50 * MS));
        assert!(inside >= 198 && at_most == 200, "{inside} of {at_most}");
    });
    for_seeds(20, |seed| {
        // A backlog does not stand in for requests that fail: of 10 connections those with a request stall for good.
        let job = Job { connections: 40, timeout_ns: 20 * MS, ..open_job(1_000.0, Arrivals::Constant) };
        let stalls = Behaviour { actions: vec![(Action::Stall, 1)], ..takes(MS) };
        let (inside, at_most, open) = inside_after_warm_up(seed, job, takes(MS), stalls);
        assert_eq!(open.intended, 200);
        assert!(inside <= 2 && at_most <= 60, "{inside} of {at_most}");
    });
}

#[test]
fn a_closed_loop_by_time_counts_what_completes_inside_the_window() {
    for_seeds(40, |seed| {
        let job = Job { warmup_ns: 50 * MS, ..job() };
        let mut fake =
            Fake::new(seed, job.clone(), Behaviour { delay_ns: 2 * MS..3 * MS, split: 0, ..Behaviour::good() });
        let (time, starts_at, control) = (fake.time.clone(), fake.starts_at, fake.control.clone());
        let done = work(&job, starts_at, &mut fake, &time, &Progress::default(), &control);
        let requests = done.stats.requests;
        assert_eq!(requests.sent, requests.completed + requests.failed + requests.in_flight_at_end, "{requests:?}");
        assert_eq!((requests.completed, done.elapsed_ns), (done.inside, 100 * MS));
        // Two connections, an answer each 2 to 3 ms and a little.
        assert!((60..=100).contains(&requests.completed), "{requests:?}");
    });
}

#[test]
fn a_counted_closed_loop_is_exact_after_a_warm_up() {
    for_seeds(40, |seed| {
        let job = Job { warmup_ns: 20 * MS, duration_ns: None, requests: Some(1 + seed), ..job() };
        let mut fake = Fake::new(seed, job.clone(), Behaviour::good());
        let (time, starts_at, control) = (fake.time.clone(), fake.starts_at, fake.control.clone());
        let requests = work(&job, starts_at, &mut fake, &time, &Progress::default(), &control).stats.requests;
        assert_eq!((requests.completed + requests.failed, requests.in_flight_at_end), (1 + seed, 0), "{requests:?}");
    });
}

#[test]
fn stages_divide_the_sample_by_intended_instants() {
    for_seeds(20, |seed| {
        let mut job = open_job(1_000.0, Arrivals::Constant);
        job.connections = 20;
        let stretch = |rate| Stretch { seconds: 0.1, from_per_s: rate, to_per_s: rate };
        change(&mut job, |open| {
            open.offer.profile = Arc::new(Profile::new(&[stretch(1_000.0), stretch(4_000.0)]));
            open.stages_ns = vec![100 * MS, 200 * MS];
        });
        let done = run_open(Fake::new(seed, job, Behaviour { delay_ns: 100_000..300_000, ..Behaviour::good() })).done;
        let rows: Vec<(u64, u64)> =
            done.stats.segments.iter().map(|one| (one.requests.completed, one.response.count())).collect();
        assert_eq!(rows, [(100, 100), (400, 400)]);
    });
}

#[test]
fn a_pause_is_a_stage_without_requests_and_without_a_busy_wait() {
    for_seeds(40, |seed| {
        let mut job = open_job(1_000.0, [Arrivals::Constant, Arrivals::Poisson][(seed % 2) as usize]);
        (job.connections, job.duration_ns) = (20, Some(4_000 * MS));
        let stretch = |seconds, from_per_s, to_per_s| Stretch { seconds, from_per_s, to_per_s };
        change(&mut job, |open| {
            let all =
                [stretch(0.1, 0.0, 2_000.0), stretch(2.8, 0.0, 0.0), stretch(0.1, 500.0, 0.0), stretch(1.0, 0.0, 0.0)];
            open.offer.profile = Arc::new(Profile::new(&all));
            open.stages_ns = vec![100 * MS, 2_900 * MS, 3_000 * MS, 4_000 * MS];
            open.spin = seed % 3 == 0;
        });
        let mut fake = Fake::new(seed, job, Behaviour { delay_ns: 100_000..300_000, ..Behaviour::good() });
        fake.spurious = 0;
        let ran = run_open(fake);
        let rows: Vec<(u64, u64)> =
            ran.done.stats.segments.iter().map(|one| (one.requests.completed, one.response.count())).collect();
        assert_eq!((rows[1], rows[3]), ((0, 0), (0, 0)), "pauses");
        if seed % 2 == 0 {
            assert_eq!((rows[0], rows[2]), ((100, 100), (25, 25)));
        }
        assert_eq!(ran.done.elapsed_ns, 4_000 * MS);
        // It looks up for a halt 50 times a second, for samples 10 times; all else is for requests and answers.
        let idle = ran.done.ring.enters.saturating_sub(3 * ran.done.stats.requests.sent);
        assert!(seed % 3 == 0 || idle < 4 * 100, "{idle} enters beside those of requests");
    });
}

#[test]
fn the_time_series_adds_up_to_the_whole() {
    for_seeds(20, |seed| {
        let mut job = open_job(5_000.0, Arrivals::Poisson);
        (job.connections, job.interval_ns) = (20, 30 * MS);
        let mut fake = Fake::new(seed, job.clone(), Behaviour::good());
        let (time, starts_at, control, progress) =
            (fake.time.clone(), fake.starts_at, fake.control.clone(), Progress::default());
        let done = work(&job, starts_at, &mut fake, &time, &progress, &control);
        let (mut ends, mut completed, mut responses) = (Vec::new(), 0, Histogram::new());
        let mut merger = Merger::new(1, starts_at);
        while let Some(one) = merger.next([&progress.series].into_iter()) {
            ends.push(one.ends_at);
            completed += one.counts.completed;
            responses.merge(&one.histograms[0]);
            let Classes { success, redirection, client_error, server_error, other } = one.counts.status;
            assert_eq!(success + redirection + client_error + server_error + other, one.counts.completed);
        }
        assert!(ends.len() >= 7 && ends.windows(2).all(|pair| pair[0] < pair[1]), "{ends:?}");
        assert_eq!(completed, done.stats.requests.completed);
        assert_eq!(responses.summary(None), done.stats.latencies.response.summary(None));
    });
}

#[test]
fn a_rate_that_asks_for_nothing_at_the_end_owes_nothing() {
    for_seeds(20, |seed| {
        // Due at 0 and at 100 ms; the server dies at 150.
        let mut fake = Fake::new(seed, open_job(10.0, Arrivals::Constant), Behaviour::good());
        let gone = Behaviour {
            outcomes: vec![(ConnectOutcome::Refused, 1)],
            actions: vec![(Action::Vanish, 1)],
            ..Behaviour::good()
        };
        fake.later = vec![(fake.at(150 * MS), gone)];
        let ran = run_open(fake);
        assert_eq!(intended(&ran).intended, 2);
        assert_eq!((ran.done.ending.owed_since, ran.done.stats.requests.completed), (None, 2));
    });
}

#[test]
fn what_is_owed_is_owed_since_the_first_that_was_due() {
    for_seeds(20, |seed| {
        let mut job = open_job(1_000.0, Arrivals::Constant);
        (job.timeout_ns, job.drain_ns) = (50 * MS, 50 * MS);
        let mut fake = Fake::new(seed, job, Behaviour { delay_ns: 20_000..200_000, ..Behaviour::good() });
        let gone = Behaviour {
            outcomes: vec![(ConnectOutcome::Refused, 1)],
            actions: vec![(Action::Vanish, 1)],
            ..Behaviour::good()
        };
        fake.later = vec![(fake.at(80 * MS + 1), gone)];
        let ran = run_open(fake);
        let ending = ran.done.ending;
        assert!(ending.away && ending.misses.events > 100, "{ending:?}");
        let since = ending.owed_since.expect("much") - ran.fake.starts_at;
        assert!((79 * MS..82 * MS).contains(&since), "{since}");
        assert!(ending.last_answer_at.is_some_and(|at| at < ran.fake.at(83 * MS)), "{ending:?}");
    });
}

/// As bombardier's issue 56: at a low rate most connections are idle for longer than the server allows.
#[test]
fn connections_closed_while_idle_fail_nothing() {
    for_seeds(40, |seed| {
        let mut job = open_job(4.0, Arrivals::Constant);
        (job.connections, job.duration_ns) = (4, Some(4 * SECOND));
        let behaviour = Behaviour { idle_ns: Some(150 * MS), ..Behaviour::good() };
        let ran = run_open(Fake::new(seed, job, behaviour));
        let (stats, record) = (&ran.done.stats, &ran.fake.record);
        let connections = stats.connections;
        assert_eq!((stats.requests.sent, stats.requests.completed), (16, 16));
        // Each of the four is closed some 6 times a second, and opened again at once.
        assert!((60..=120).contains(&connections.idle_closed), "{connections:?}");
        assert_eq!(connections.established + connections.reconnects, record.opened);
        assert!(record.opened.abs_diff(connections.idle_closed) <= 4, "{connections:?}");
        assert_eq!((ran.done.gaps.total_ns(), ran.done.ending.misses.events), (0, 0), "and no outage");
        assert_eq!(stats.anomalies, Default::default());
    });
}

#[test]
fn far_more_than_anybody_can_send_is_counted_at_once() {
    for (seed, deadline_ns) in [(1, None), (2, Some(10 * MS))] {
        for_seeds(2, |workers| {
            let mut job = open_job(1e9, Arrivals::Constant);
            (job.timeout_ns, job.drain_ns, job.connections) = (50 * MS, 50 * MS, 4);
            change(&mut job, |open| {
                (open.offer.workers, open.deadline_ns) = (1 + workers, deadline_ns);
                open.stages_ns = vec![50 * MS, 200 * MS];
            });
            let ran = run_open(Fake::new(seed, job, Behaviour { delay_ns: MS..MS + 1, split: 0, ..Behaviour::good() }));
            let each = 1_000_000_000 / (1 + workers);
            let open = intended(&ran);
            assert_eq!(open.intended, each / 5);
            assert!(open.shed + open.unsent > each / 5 - 2_000, "{open:?}");
            assert_eq!(open.shed > 0, deadline_ns.is_some(), "{open:?}");
            let stages = ran.done.stats.segments.iter().map(|one| one.requests.open.expect("an open loop").intended);
            assert_eq!(stages.collect::<Vec<_>>(), [each / 20, each / 5 - each / 20]);
        });
    }
}
