//! The time series of a long run: what is kept of an interval does not depend on how many there were.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::measure::schedule::{Arrivals, Offer, Profile, Stretch};
use crate::worker::OpenJob;
use crate::worker::fake::Action;
use crate::worker::series::{Counts, Merger};

/// As many intervals as eight hours have seconds.
const INTERVALS: u64 = 8 * 3600;

/// What the watcher saw.
#[derive(Default)]
struct Seen {
    intervals: u64,
    counts: Counts,
    most_parts: usize,
    lengths_ns: (u64, u64),
}

#[test]
fn eight_hours_hold_no_more_than_a_minute() {
    const LENGTH_NS: u64 = 20 * MS;
    // A request in every hundredth interval.
    let per_s = 1e9 / (100 * LENGTH_NS) as f64;
    let level = Stretch { seconds: f64::INFINITY, from_per_s: per_s, to_per_s: per_s };
    let offer = Offer { profile: Arc::new(Profile::new(&[level])), arrivals: Arrivals::Constant, seed: 5, workers: 1 };
    let job = Job {
        open: Some(OpenJob { offer, worker: 0, deadline_ns: None, spin: false, stages_ns: Vec::new() }),
        interval_ns: LENGTH_NS,
        duration_ns: Some(INTERVALS * LENGTH_NS),
        ..job()
    };
    // One in eight connections is reset before its answer is whole.
    let behaviour =
        Behaviour { actions: vec![(Action::Answer, 7), (Action::PartAndReset, 1)], split: 0, ..Behaviour::good() };
    let mut fake = Fake::new(1, job.clone(), behaviour);
    (fake.spurious, fake.late_ns) = (0, 0..1_000);
    let (time, starts_at, control) = (fake.time.clone(), fake.starts_at, fake.control.clone());
    let (progress, seen) = (Rc::new(Progress::default()), Rc::new(RefCell::new(Seen::default())));
    let merger = RefCell::new(Merger::new(1, starts_at));
    let watch = {
        let (progress, seen) = (Rc::clone(&progress), Rc::clone(&seen));
        move || {
            let (mut seen, mut merger) = (seen.borrow_mut(), merger.borrow_mut());
            while let Some(one) = merger.next([&progress.series].into_iter()) {
                seen.intervals += 1;
                seen.counts += one.counts;
                let length = one.ends_at - one.starts_at;
                let (least, most) = seen.lengths_ns;
                seen.lengths_ns = if least == 0 { (length, length) } else { (least.min(length), most.max(length)) };
            }
            seen.most_parts = seen.most_parts.max(progress.series.parts());
        }
    };
    let watch = Rc::new(watch);
    let looks = Rc::clone(&watch);
    fake.at_each_enter = Some(Box::new(move |_, _| looks()));
    let done = work(&job, starts_at, &mut fake, &time, &progress, &control);
    watch();
    let seen = seen.borrow();
    let Requests { completed, failed, .. } = done.stats.requests;
    assert_eq!((seen.counts.completed, seen.counts.failed), (completed, failed), "nothing is lost");
    assert!(completed > INTERVALS / 200 && failed > INTERVALS / 2_000, "{:?}", done.stats.requests);
    assert_eq!(seen.counts.errors, done.stats.errors);
    assert!((INTERVALS..=INTERVALS + 1).contains(&seen.intervals), "{}", seen.intervals);
    assert_eq!(seen.lengths_ns.1, LENGTH_NS);
    assert!(seen.most_parts <= 2, "{} parts", seen.most_parts);
}
