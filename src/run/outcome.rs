//! How windows ended, and which addresses were never heard of.

use std::net::SocketAddr;

use super::Passed;
use crate::measure::outage::Gaps;
use crate::result::{AtEnd, CutShort, EndedEarly, InterruptedIn, Interruption, NoProgress};
use crate::worker::stats::WorkerStats;
use crate::worker::{Ending, Reached};

/// Of a pass of which `stats` is all that its workers measured.
pub(super) fn at_end(passed: &Passed, stats: &WorkerStats) -> AtEnd {
    let endings = || passed.outputs.iter().map(|output| &output.done.ending);
    let seconds = |at: u64| at.saturating_sub(passed.begins_at) as f64 / 1e9;
    let owing: Vec<&Ending> = endings().filter(|ending| ending.owed_since.is_some()).collect();
    let until = &passed.pass.until;
    AtEnd {
        // Of a count and a time the first ends the window: it need not reach the other.
        requests: until.requests.filter(|asked| until.duration.is_none() || stats.requests.outcomes() >= *asked),
        last_answer_s: endings().filter_map(|ending| ending.last_answer_at).max().map(seconds),
        owed_since_s: owing.iter().filter_map(|ending| ending.owed_since).min().map(seconds),
        losses: endings().map(|ending| ending.misses.events).sum(),
        lost: endings().map(|ending| ending.misses.requests).sum(),
        waited_ns: endings().map(|ending| ending.waited_ns).max().unwrap_or(0),
        longest_ns: stats.latencies.service().max_ns(),
        away: !owing.is_empty() && owing.iter().all(|ending| ending.away),
    }
}

/// Where the signal came that made this pass the last.
pub(super) fn interruption(last: &Passed) -> Interruption {
    let pass = &last.pass;
    let spans = || last.outputs.iter().map(|output| output.done.elapsed_ns);
    let by_time = last.planned_ns.is_some_and(|planned| spans().all(|ns| ns >= planned));
    let ends = last.outputs.iter().map(|output| output.done.stats.requests.outcomes());
    let by_count = pass.until.requests.is_some_and(|asked| ends.sum::<u64>() >= asked);
    let phase = match () {
        () if spans().all(|ns| ns == 0) => InterruptedIn::WarmUp,
        () if by_time || by_count => InterruptedIn::Drain,
        () => InterruptedIn::Window,
    };
    Interruption {
        phase,
        part: pass.index + 1,
        of: pass.of,
        duration_s: pass.until.duration.map(|span| span.as_secs_f64()),
        requests: pass.until.requests,
    }
}

/// When none of the pass's workers had a connection.
pub(super) fn gaps(passed: &mut Passed) -> Gaps {
    Gaps::common(passed.outputs.iter_mut().map(|output| std::mem::take(&mut output.done.gaps)))
}

/// Why the run ended before its time. What all workers tried in vain is one reason.
pub(super) fn ended_early(passed: &[Passed]) -> Option<EndedEarly> {
    let outputs = passed.iter().flat_map(|one| &one.outputs);
    let mut no_progress: Option<NoProgress> = None;
    let mut reasons: Vec<String> = Vec::new();
    for why in outputs.filter_map(|output| output.done.cut_short.as_ref()) {
        match why {
            CutShort::NoProgress(more) => *no_progress.get_or_insert_default() += **more,
            other => reasons.push(other.to_string()),
        }
    }
    reasons.extend(no_progress.map(|all| CutShort::NoProgress(Box::new(all)).to_string()));
    reasons.sort_unstable();
    reasons.dedup();
    (!reasons.is_empty()).then(|| EndedEarly { why: reasons.join("; ") })
}

/// The addresses that were tried and never answered, though another one of their family did; `workers` tell what became of each.
pub(super) fn unanswered<'a>(
    addresses: &[SocketAddr],
    workers: impl IntoIterator<Item = &'a [Reached]>,
) -> Vec<String> {
    let mut all = vec![Reached::default(); addresses.len()];
    for worker in workers {
        for (sum, one) in all.iter_mut().zip(worker) {
            sum.attempts += one.attempts;
            sum.answers += one.answers;
        }
    }
    let pairs = || addresses.iter().zip(&all);
    let is_served = |v4: bool| pairs().any(|(other, reached)| other.is_ipv4() == v4 && reached.answers > 0);
    let silent = pairs()
        .filter(|(address, reached)| reached.attempts > 0 && reached.answers == 0 && is_served(address.is_ipv4()));
    silent.map(|(address, _)| address.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_missed_where_its_neighbour_answers() {
        let of = |addresses: &[&str], workers: &[&[(u64, u64)]]| {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().expect("an address")).collect();
            let reached = |one: &&[(u64, u64)]| -> Vec<Reached> {
                one.iter().map(|&(attempts, answers)| Reached { attempts, answers }).collect()
            };
            let workers: Vec<Vec<Reached>> = workers.iter().map(reached).collect();
            unanswered(&addresses, workers.iter().map(Vec::as_slice))
        };
        let two = ["127.0.0.1:80", "127.0.0.2:80"];
        assert_eq!(of(&two, &[&[(8, 100), (8, 100)]]), [""; 0]);
        assert_eq!(of(&two, &[&[(8, 100), (3, 0)], &[(2, 50), (9, 0)]]), ["127.0.0.2:80"]);
        assert_eq!(of(&two, &[&[(8, 100), (3, 0)], &[(2, 50), (9, 1)]]), [""; 0], "another worker heard of it");
        assert_eq!(of(&two, &[&[(8, 100), (0, 0)]]), [""; 0], "nobody asked it: there were not enough connections");
        assert_eq!(of(&two, &[&[(8, 0), (3, 0)]]), [""; 0], "not one answered: the run has no answers");
        // The other family is a way to the same server: localhost, of a server that listens on IPv4 alone.
        assert_eq!(of(&["[::1]:80", "127.0.0.1:80"], &[&[(3, 0), (8, 100)]]), [""; 0]);
        assert_eq!(of(&["[::1]:80", "127.0.0.1:80", "127.0.0.2:80"], &[&[(3, 0), (8, 9), (1, 0)]]), ["127.0.0.2:80"]);
    }
}
