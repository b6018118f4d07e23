//! The verdict, and with `--verbose` all that it rests on.

use super::page::{Page, Tone};
use crate::result::units::metric;
use crate::result::{Bound, CpuUse, Evidence, RunResult, Worker};

/// The line under the rate.
pub(super) fn limit(result: &RunResult, page: &mut Page) {
    let Some(verdict) = &result.verdict else { return };
    let bound = match verdict.bound {
        Bound::Client => "the client",
        Bound::Server => "the server",
        Bound::Offered => "the offered rate",
        Bound::Unclear => "unclear",
    };
    let words = format!("{bound}: {}", verdict.because.join("; "));
    page.fact("Limit", words.trim_end_matches([':', ' ']));
    page.gap();
}

/// A column for each worker, then host, target and Little's law.
pub(super) fn details(result: &RunResult, page: &mut Page) {
    let known = |(index, worker): (usize, &'_ Worker)| Some((index, worker.evidence.clone()?, worker.clone()));
    let workers: Vec<(usize, Evidence, Worker)> = result.workers.iter().enumerate().filter_map(known).collect();
    if !workers.is_empty() {
        table(&workers, page);
    }
    page.gap();
    if let Some(share) = result.host.cpu_pressure_share {
        page.fact("CPU pressure", &format!("{} of the time somebody waited for a CPU", percent(share)));
    }
    if let Some(process) = &result.target.process {
        let ids: Vec<String> = process.pids.iter().map(ToString::to_string).collect();
        let cpus: Vec<String> = process.cpus.iter().map(ToString::to_string).collect();
        let words = format!(
            "{} (process {}): {:.2}s of CPU, {} of its threads at work, the busiest {}; seen on CPU {}",
            process.name,
            ids.join(","),
            process.cpu_s,
            process.busy_threads,
            percent(process.busiest_thread_share),
            if cpus.is_empty() { "-".into() } else { cpus.join(",") }
        );
        page.fact("Target", &words);
    }
    if let Some(little) = &result.little {
        let (counted, computed) = (little.in_flight, little.rate_times_mean);
        page.fact("In flight", &format!("{counted:.2} counted, {computed:.2} by rate times mean time (Little's law)"));
    }
    if let Some(ceiling) = &result.ceiling {
        page.fact("Ceiling", &format!("{}/s, as calibrated for this load", metric(ceiling.rate_per_s)));
    }
}

fn table(workers: &[(usize, Evidence, Worker)], page: &mut Page) {
    let names: String = workers.iter().map(|(index, ..)| format!("{:>12}", format!("worker {index}"))).collect();
    page.heading(&format!("{:<32}{names}", "Evidence"));
    let mut row = |label: &str, cell: &dyn Fn(&Evidence, &Worker) -> Option<String>| {
        let cells: Vec<Option<String>> = workers.iter().map(|(_, evidence, worker)| cell(evidence, worker)).collect();
        if cells.iter().any(Option::is_some) {
            let cells: String = cells.iter().map(|cell| format!("{:>12}", cell.as_deref().unwrap_or("-"))).collect();
            page.line(Tone::Plain, &format!("    {label:<30}{cells}"));
        }
    };
    row("CPU", &|_, worker| worker.cpu.map(|cpu| cpu.to_string()));
    row("waited", &|one, _| Some(percent(one.waited_share)));
    row("on CPU", &|one, _| Some(percent(one.cpu_share)));
    row("ready, without a CPU", &|one, _| one.queued_share.map(percent));
    row("in enters", &|one, _| Some(percent(one.in_enter_share)));
    row("spinning", &|one, _| one.spun_share.map(percent));
    row("requests per enter", &|_, worker| Some(format!("{:.1}", worker.ring?.requests_per_enter?)));
    row("requests in flight", &|one, _| Some(format!("{:.2}", one.in_flight)));
    row("switches, to wait", &|one, _| Some(one.voluntary_switches.to_string()));
    row("switches, forced", &|one, _| Some(one.involuntary_switches.to_string()));
    row("queue overflows", &|_, worker| Some(worker.ring?.cq_overflows.to_string()));
    row("starved receives", &|_, worker| Some(worker.ring?.recv_starved.to_string()));
    let mut of_cpu = |label: &str, cell: &dyn Fn(&CpuUse) -> Option<String>| {
        row(label, &|one, _| one.cpu.as_ref().and_then(cell));
    };
    of_cpu("its CPU: idle", &|cpu| Some(percent(cpu.idle_share)));
    of_cpu("software interrupts", &|cpu| Some(percent(cpu.softirq_share)));
    of_cpu("hardware interrupts", &|cpu| Some(percent(cpu.irq_share)));
    of_cpu("stolen", &|cpu| Some(percent(cpu.steal_share)));
    of_cpu("others", &|cpu| Some(percent(cpu.others_share)));
    of_cpu("governor", &|cpu| cpu.governor.clone());
    of_cpu("siblings", &|cpu| {
        let siblings: Vec<String> = cpu.siblings.iter().map(ToString::to_string).collect();
        (!siblings.is_empty()).then(|| siblings.join(","))
    });
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}
