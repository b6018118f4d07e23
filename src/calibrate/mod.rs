//! Calibration: many short runs against the built-in server, that tell what this client can do and what its parts cost.
//!
//! Kinds of runs that are compared with each other take turns, and medians count: a machine drifts by more than most effects within
//! minutes.

mod tasks;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::measure::estimate::{Estimate, middle};
use crate::plan::{Arrivals, Open, Plan, RateStage, Until};
use crate::result::calibration::{Calibration, Cost, Figures, HTTPS, Lag, Late, Part, Point};
use crate::result::units::duration_s;
use crate::result::{RunResult, Snapshot};
use crate::run::baseline::{self, Ablation};
use crate::run::{self, Control};
use tasks::{COSTS, Place, Task, tasks};

/// The window of each run unless told otherwise: then all is over in less than a minute.
pub const WINDOW: Duration = Duration::from_millis(250);
/// Windows that can be asked for.
pub const WINDOWS: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(5);

/// Load before a window, as a share of it.
const WARMUP: f64 = 0.2;
/// Runs for percentiles last so many windows.
const LONGER: u32 = 4;
/// One connection in so many is received from with the kernel's stamps.
const SAMPLED: u32 = 8;

/// Answers that a window must have for its figures to mean something; and each place in flight must have had one.
const ENOUGH: u64 = 50;
/// A window with fewer, as the machine is slow or busy just now, is doubled and tried again while it is shorter than this.
const LONGEST: Duration = Duration::from_secs(20);

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Runs done.
    pub done: usize,
    /// Runs in all.
    pub of: usize,
    /// What runs now.
    pub what: String,
}

/// What one run of a closed loop brought.
#[derive(Debug, Clone, Copy)]
struct Sample {
    rate_per_s: f64,
    user_ns: f64,
    sys_ns: f64,
    requests_per_enter: f64,
    busy_share: f64,
    /// Time between enters, where it was taken.
    outside_ns: f64,
}

/// All samples so far, each list by the number of its place.
struct Samples {
    places: Vec<Place>,
    floor: Vec<Vec<Sample>>,
    engine: Vec<Vec<Sample>>,
    /// Time between enters per request with all extras, and without the one, of each entry of [`COSTS`] by round.
    all: Vec<Vec<f64>>,
    without: Vec<[Vec<f64>; 3]>,
}

/// Calibrates on `plan`: its target, workers and engine. `control` ends it early, with what was measured so far; what was under way then does
/// not count. `tell` hears of each run before it begins.
///
/// # Errors
/// As [`run::run`].
pub fn calibrate(
    plan: &Plan,
    window: Duration,
    control: &Arc<Control>,
    tell: &mut dyn FnMut(&Moment),
) -> Result<Calibration, run::Error> {
    let started = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let workers = plan.placement.cpus.len();
    let places = tasks::places(workers);
    let lists = || places.iter().map(|_| Vec::new()).collect();
    let (all, without) = (COSTS.map(|_| Vec::new()).to_vec(), COSTS.map(|_| Default::default()).to_vec());
    let mut samples = Samples { floor: lists(), engine: lists(), all, without, places };
    let mut found = Calibration {
        cpus: plan.placement.cpus.clone(),
        server_cpus: plan.placement.server_cpus.clone(),
        calibrated_unix_s: started.as_secs_f64(),
        window_s: window.as_secs_f64(),
        notes: plan.notes.clone(),
        ..Calibration::new()
    };
    let bench = Bench { plan, window, longest: Cell::new(window), control };
    let mut list = tasks(&samples.places);
    if plan.target.tls.is_some() {
        // What lies below the engine is the same as without TLS.
        list.retain(|task| matches!(task, Task::Engine(_) | Task::Lag(_)));
        found.protocol = HTTPS.to_owned();
    }
    for (done, task) in list.iter().enumerate() {
        tell(&Moment { done, of: list.len(), what: task.to_string() });
        bench.perform(*task, &mut samples, &mut found)?;
        if control.is_stopped() {
            found.interrupted = true;
            break;
        }
    }
    found.points = samples.points();
    found.costs = samples.costs();
    found.conclude();
    if bench.longest.get() > window {
        let [asked, longest] = [window, bench.longest.get()].map(|span| duration_s(span.as_secs_f64()));
        found.notes.push(format!("windows of {asked} were too short for enough answers: some lasted up to {longest}"));
    }
    if found.ceiling.is_some_and(|ceiling| !ceiling.client_bound) {
        found.notes.push("the built-in server was the limit at the highest rate: this client can do more".into());
    }
    Ok(found)
}

/// What all runs share.
struct Bench<'a> {
    plan: &'a Plan,
    window: Duration,
    /// The longest that a window of a closed loop came to be.
    longest: Cell<Duration>,
    control: &'a Arc<Control>,
}

impl Bench<'_> {
    fn perform(&self, task: Task, samples: &mut Samples, found: &mut Calibration) -> Result<(), run::Error> {
        match task {
            Task::Floor(place) => {
                let sample = self.baseline(samples.places[place], Ablation::All)?;
                samples.floor[place].extend(sample);
            }
            Task::Engine(place) => {
                let at = samples.places[place];
                let once = |window| {
                    let result = self.run(&self.closed(at, window))?;
                    Ok(Some(result).filter(|result| enough(at, result.requests.completed)))
                };
                let Some(result) = self.grown(1, once)? else { return Ok(()) };
                samples.engine[place].extend(of_engine(&result));
                (found.host, found.engine) = (result.host, result.engine);
            }
            Task::All(cost) => {
                let sample = self.baseline(COSTS[cost], Ablation::Nothing)?;
                samples.all[cost].push(sample.map_or(f64::NAN, |sample| sample.outside_ns));
            }
            Task::Without(cost, part) => {
                let ablation = match part {
                    Part::Parse => Ablation::Parse,
                    Part::Stamps => Ablation::Stamps,
                    Part::Histogram => Ablation::Record,
                };
                let sample = self.baseline(COSTS[cost], ablation)?;
                samples.without[cost][part as usize].push(sample.map_or(f64::NAN, |sample| sample.outside_ns));
            }
            Task::Late(place) => {
                let once = |window| {
                    let Some(late) = baseline::lateness(&self.closed(place, window), SAMPLED, self.control)? else {
                        // None of this engine, however long.
                        return Ok(Some(None));
                    };
                    let times = late.late_ns.filter(|times| times.count >= ENOUGH);
                    Ok(times.map(|times| {
                        Some(Late {
                            connections: place.connections as u64,
                            samples: times.count,
                            p50_ns: times.percentiles.p50.unwrap_or(times.max),
                            p99_ns: times.percentiles.p99.unwrap_or(times.max),
                            within_ns: late.within_ns,
                        })
                    }))
                };
                found.lateness.extend(self.grown(LONGER, once)?.flatten());
            }
            Task::Lag(rate_per_s) => {
                let once = |window| {
                    let result = self.run(&self.open(rate_per_s, window))?;
                    let lag = result.send_lag_ns.filter(|lag| lag.count >= ENOUGH);
                    Ok(lag.map(|lag| Lag {
                        rate_per_s,
                        achieved_per_s: result.rate.achieved_per_s,
                        connections: result.plan.connections,
                        p50_ns: lag.percentiles.p50.unwrap_or(lag.max),
                        // Of too few samples the longest is the 99th percentile.
                        p99_ns: lag.percentiles.p99.unwrap_or(lag.max),
                    }))
                };
                found.send_lag.extend(self.grown(LONGER, once)?);
            }
        }
        Ok(())
    }

    fn is_halted(&self) -> bool {
        self.control.is_stopped()
    }

    /// A closed loop at `place`.
    fn closed(&self, place: Place, window: Duration) -> Plan {
        let mut plan = self.plan.clone();
        plan.placement.cpus.truncate(place.workers);
        plan.load.connections = place.connections * place.workers;
        plan.load.pipeline = place.pipeline;
        plan.load.until = Until { duration: Some(window), requests: None };
        plan.load.warmup = self.window.mul_f64(WARMUP);
        plan.load.open = None;
        plan
    }

    fn open(&self, rate_per_s: f64, window: Duration) -> Plan {
        let mut plan = self.closed(tasks::OPEN, window);
        let stage = RateStage { duration: None, from_per_s: rate_per_s, to_per_s: rate_per_s };
        plan.load.open =
            Some(Open { stages: vec![stage], arrivals: Arrivals::Constant, seed: 1, deadline: None, spin: false });
        plan
    }

    /// A run by the engine.
    fn run(&self, plan: &Plan) -> Result<RunResult, run::Error> {
        run::run(plan, Vec::new(), self.control, &mut |_: &Snapshot| {})
    }

    /// What `once` brings in a window that begins with `windows` of those asked for and is doubled while there is not enough in it; `None` when
    /// it was interrupted, as half a run proves nothing, or when the longest window had not enough either.
    fn grown<T>(
        &self,
        windows: u32,
        once: impl Fn(Duration) -> Result<Option<T>, run::Error>,
    ) -> Result<Option<T>, run::Error> {
        let mut times = 1;
        loop {
            let outcome = once(self.window * windows * times)?;
            if self.is_halted() {
                return Ok(None);
            }
            if outcome.is_some() || self.window * windows * times >= LONGEST {
                self.longest.set(self.longest.get().max(self.window * times));
                return Ok(outcome);
            }
            times *= 2;
        }
    }

    fn baseline(&self, place: Place, ablation: Ablation) -> Result<Option<Sample>, run::Error> {
        let once = |window| {
            let floor = baseline::baseline(&self.closed(place, window), ablation, self.control)?;
            Ok(Some(floor).filter(|floor| enough(place, floor.requests) && floor.enters > 0))
        };
        let Some(floor) = self.grown(1, once)? else { return Ok(None) };
        let requests = floor.requests as f64;
        Ok(Some(Sample {
            rate_per_s: requests / floor.elapsed_s,
            user_ns: floor.user_s * 1e9 / requests,
            sys_ns: floor.sys_s * 1e9 / requests,
            requests_per_enter: requests / floor.enters as f64,
            outside_ns: floor.outside_s * 1e9 / requests,
            busy_share: ((floor.user_s + floor.sys_s) / (floor.elapsed_s * place.workers as f64)).min(1.0),
        }))
    }
}

/// Whether so many answers tell something of `place`.
fn enough(place: Place, answers: u64) -> bool {
    answers >= ENOUGH.max((place.workers * place.connections * place.pipeline) as u64)
}

fn of_engine(result: &RunResult) -> Option<Sample> {
    let (client, ring) = (result.client.as_ref()?, result.ring.as_ref()?);
    let requests = Some(result.requests.completed).filter(|&completed| completed > 0)? as f64;
    Some(Sample {
        rate_per_s: result.rate.achieved_per_s,
        user_ns: client.user_s * 1e9 / requests,
        sys_ns: client.sys_s * 1e9 / requests,
        requests_per_enter: ring.requests_per_enter?,
        busy_share: client.busy_share?,
        outside_ns: 0.0,
    })
}

impl Sample {
    fn cpu_ns(self) -> f64 {
        self.user_ns + self.sys_ns
    }
}

impl Samples {
    /// What there is of each place.
    fn points(&self) -> Vec<Point> {
        let rows = self.places.iter().zip(self.floor.iter().zip(&self.engine));
        let row = |(place, (floor, engine)): (&Place, (&Vec<Sample>, &Vec<Sample>))| {
            let ratios: Vec<f64> = engine.iter().zip(floor).map(|(one, bare)| one.cpu_ns() / bare.cpu_ns()).collect();
            Point {
                workers: place.workers,
                connections_per_worker: place.connections as u64,
                pipeline: place.pipeline as u32,
                floor: figures(floor),
                engine: figures(engine),
                cpu_ratio: (!ratios.is_empty()).then(|| median(ratios)),
            }
        };
        rows.map(row).filter(|point| point.floor.is_some() || point.engine.is_some()).collect()
    }

    fn costs(&self) -> Vec<Cost> {
        let mut costs = Vec::new();
        for (index, place) in COSTS.iter().enumerate() {
            for part in tasks::PARTS {
                let rounds = self.all[index].iter().zip(&self.without[index][part as usize]);
                let ns: Vec<f64> = rounds.map(|(all, without)| all - without).filter(|ns| ns.is_finite()).collect();
                let cost = |per_request_ns| Cost {
                    part,
                    connections: place.connections as u64,
                    pipeline: place.pipeline as u32,
                    per_request_ns,
                };
                costs.extend(Estimate::of(&ns).map(cost));
            }
        }
        costs
    }
}

fn figures(samples: &[Sample]) -> Option<Figures> {
    let of = |pick: fn(&Sample) -> f64| median(samples.iter().map(pick).collect());
    (!samples.is_empty()).then(|| Figures {
        rounds: samples.len(),
        rate_per_s: of(|one| one.rate_per_s),
        cpu_ns: of(|one| one.cpu_ns()),
        user_ns: of(|one| one.user_ns),
        sys_ns: of(|one| one.sys_ns),
        requests_per_enter: of(|one| one.requests_per_enter),
        busy_share: of(|one| one.busy_share),
    })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    middle(&figures)
}
