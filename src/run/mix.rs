//! From what was counted by kind to the result.

use super::assemble::counted;
use super::stages::kind;
use crate::result::mix::{Differing, Kind, KindBytes};
use crate::worker::stats::WorkerStats;
use crate::workload::RequestSet;

/// Each kind with its figures, if there are several.
pub(super) fn of(set: &RequestSet, stats: &WorkerStats) -> Vec<Kind> {
    let one = |(known, counts): (&crate::workload::Kind, &crate::worker::stats::KindStats)| {
        let service = counts.service.summary(counts.response.is_none().then(|| kind(stats)));
        let response = counts.response.as_ref().and_then(|response| response.summary(Some(kind(stats))));
        let (latency_ns, service_ns) = if counts.response.is_some() { (response, service) } else { (service, None) };
        Kind {
            name: known.name.clone(),
            method: known.method.clone(),
            path: known.path.clone(),
            weight: known.weight,
            requests: counts.requests,
            status: counted(counts.status.iter().enumerate().map(|(code, &count)| (code as u16, count))),
            expected_status: counts.expected.clone(),
            errors: counts.errors,
            bytes: KindBytes { body: counts.body_bytes },
            latency_ns,
            service_ns,
        }
    };
    set.kinds.iter().zip(&stats.kinds).map(one).collect()
}

/// The first answers that were not those expected.
pub(super) fn differing(set: &RequestSet, stats: &WorkerStats) -> Vec<Differing> {
    let one = |differing: &crate::worker::checks::Differing| Differing {
        name: set.kinds.get(usize::from(differing.kind)).map_or_else(String::new, |kind| kind.name.clone()),
        status: differing.status,
        body_bytes: differing.body_bytes,
        body: String::from_utf8_lossy(&differing.body).into_owned(),
    };
    stats.differing.all().iter().map(one).collect()
}
