//! From a plan to what each worker is to do.

use std::sync::Arc;
use std::time::Duration;

use super::Pass;
use crate::measure::schedule::{Arrivals, Offer, Profile, Stretch};
use crate::plan::{Open, Plan};
use crate::worker::checks::Checks;
use crate::worker::{Job, OpenJob, share};
use crate::workload::Layout;

/// Connections of an open loop open for this long before there is load, ns: a beginning, and for each; and at most.
const LEAD_NS: (u64, u64, u64) = (5_000_000, 20_000, 1_000_000_000);

/// How long before the load connections open. In closed loop there is load as soon as there is a connection.
pub(super) fn lead_ns(plan: &Plan, pass: &Pass) -> u64 {
    let (least, each, most) = LEAD_NS;
    match plan.load.open {
        Some(_) => (least + each * pass.connections as u64).min(most),
        None => 0,
    }
}

/// Connections and requests spread evenly, none dropped. `unix_ns` leads from the run's clock to 1970-01-01 UTC.
pub(super) fn jobs(plan: &Plan, layout: &Layout, pass: &Pass, unix_ns: u64) -> Vec<Job> {
    let load = &plan.load;
    let workers = plan.placement.cpus.len().min(pass.connections) as u64;
    let duration = duration(load.open.as_ref(), pass);
    let offer = load.open.as_ref().map(|open| Offer {
        profile: Arc::new(Profile::new(&stretches(open, load.warmup, pass))),
        arrivals: open.arrivals,
        // Each window with arrivals of its own.
        seed: open.seed.wrapping_add(pass.index as u64 * 1_000_003),
        workers,
    });
    let mut first_connection = 0;
    (0..workers)
        .map(|index| {
            let connections = share(pass.connections as u64, index, workers) as usize;
            let open = load.open.as_ref().zip(offer.clone()).map(|(open, offer)| OpenJob {
                offer,
                worker: index,
                deadline_ns: open.deadline.map(nanoseconds),
                spin: open.spin,
                stages_ns: ends(open),
            });
            let job = Job {
                connections,
                first_connection,
                remotes: plan.target.endpoints().remotes.len(),
                pipeline: load.pipeline as u32,
                requests_per_connection: load.requests_per_connection,
                resets: load.resets,
                timeout_ns: nanoseconds(load.timeout),
                drain_ns: nanoseconds(load.drain()),
                halted_drain_ns: nanoseconds(load.halted_drain()),
                open,
                warmup_ns: nanoseconds(load.warmup),
                interval_ns: nanoseconds(load.interval),
                duration_ns: duration.map(nanoseconds),
                requests: pass.until.requests.map(|total| share(total, index, workers)),
                patience_ns: load.patience(pass.until).map(nanoseconds),
                layout: layout.clone(),
                checks: Checks::of(layout.set()),
                tls: plan.target.tls.clone(),
                worker: (index, workers),
                unix_ns,
                unrecorded: false,
            };
            first_connection += connections;
            job
        })
        .collect()
}

/// The window's length, where that is known: `requests` at a constant rate last as long as that rate has it, to the interval.
fn duration(open: Option<&Open>, pass: &Pass) -> Option<Duration> {
    let asked = pass.until.duration;
    let counted = open.filter(|open| open.arrivals == Arrivals::Constant).zip(pass.until.requests);
    let counted = counted.and_then(|(open, requests)| {
        let at = Profile::new(&stretches(open, Duration::ZERO, pass)).instant_of(requests as f64)?;
        Some(Duration::from_nanos(at))
    });
    asked.into_iter().chain(counted).min()
}

/// The rate from the load's beginning on: the warm-up has the window's first rate.
fn stretches(open: &Open, warmup: Duration, pass: &Pass) -> Vec<Stretch> {
    let mut all = Vec::with_capacity(open.stages.len() + 1);
    if let Some(first) = open.stages.first()
        && !warmup.is_zero()
    {
        all.push(Stretch { seconds: warmup.as_secs_f64(), from_per_s: first.from_per_s, to_per_s: first.from_per_s });
    }
    for stage in &open.stages {
        let changes = stage.from_per_s != stage.to_per_s;
        let whole = pass.until.duration.filter(|_| changes);
        let seconds = stage.duration.or(whole).map_or(f64::INFINITY, |span| span.as_secs_f64());
        all.push(Stretch { seconds, from_per_s: stage.from_per_s, to_per_s: stage.to_per_s });
    }
    all
}

/// Where the stages end, ns from the window's beginning, if there are several.
fn ends(open: &Open) -> Vec<u64> {
    if open.stages.len() < 2 {
        return Vec::new();
    }
    let mut end = 0u64;
    let spans = open.stages.iter().map(|stage| stage.duration.map_or(u64::MAX, nanoseconds));
    let sum = |span: u64| {
        end = end.saturating_add(span);
        end
    };
    spans.map(sum).collect()
}

pub(super) fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 4)
}
