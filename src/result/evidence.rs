//! What the verdict rests on, as plain data. Shares are of the window, 0 to 1.

use serde::{Deserialize, Serialize};

/// How one worker spent the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Length of what it covers, seconds; of several windows their sum.
    pub span_s: f64,
    /// On a CPU, by the thread's own clock.
    pub cpu_share: f64,
    /// Ready to run without a CPU (run queue); absent where the kernel does not count it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_share: Option<f64>,
    /// Asleep, as there was nothing to do: neither on a CPU nor kept from one.
    pub waited_share: f64,
    /// Inside enters: the kernel's work for them and the waiting. The rest is the client's own code.
    pub in_enter_share: f64,
    /// Awake before due instants, of `--spin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spun_share: Option<f64>,
    /// Time in which it could not act though it had to, ns: stopped by a signal, or kept from its CPU, for longer than it takes to
    /// matter. Of several windows their sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_ns: Option<u64>,
    /// The longest single stop of those, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_longest_ns: Option<u64>,
    /// Requests in flight, on average over time.
    pub in_flight: f64,
    /// How often it gave up its CPU to wait.
    pub voluntary_switches: u64,
    /// How often its CPU was taken from it.
    pub involuntary_switches: u64,
    /// Its CPU; absent if it was not pinned, or the window too short to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuUse>,
}

/// What a CPU did over the window, and what it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuUse {
    /// Its number.
    pub id: usize,
    /// Idle.
    pub idle_share: f64,
    /// Software interrupts: on loopback also those of the worker's own sends.
    pub softirq_share: f64,
    /// Hardware interrupts.
    pub irq_share: f64,
    /// Taken by the hypervisor for other guests.
    pub steal_share: f64,
    /// Used by other threads and by interrupts, where they are not counted as the workers' own time.
    pub others_share: f64,
    /// The frequency governor; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// The other CPUs of its physical core.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub siblings: Vec<usize>,
}

/// The target's processes, of a target on this host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Those that hold the listening socket.
    pub pids: Vec<u32>,
    /// The name of the first.
    pub name: String,
    /// CPU seconds of all their threads within the window.
    pub cpu_s: f64,
    /// Threads that used any of it.
    pub busy_threads: usize,
    /// Share of the window that the busiest thread was on a CPU.
    pub busiest_thread_share: f64,
    /// The CPUs that threads were seen on that used over 1 % of the window.
    pub cpus: Vec<usize>,
}

/// Little's law held against the run: what is in flight is rate times time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Little {
    /// Requests in flight on average, counted over time.
    pub in_flight: f64,
    /// The achieved rate times the mean service time.
    pub rate_times_mean: f64,
}

impl Little {
    /// How far the two are apart, as a share of the greater.
    #[must_use]
    pub fn gap(&self) -> f64 {
        let most = self.in_flight.max(self.rate_times_mean);
        if most > 0.0 { (self.in_flight - self.rate_times_mean).abs() / most } else { 0.0 }
    }
}
