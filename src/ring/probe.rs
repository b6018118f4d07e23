//! What this kernel's io_uring can do, found out by trying each thing: version numbers lie where features were ported back.

use std::io;
use std::sync::OnceLock;

use super::trials::{self, plain};
use super::{Level, SetupError};

/// One thing io_uring offers on some kernels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// As io_uring's manual pages name it.
    pub name: &'static str,
    /// The Linux version it came with; distributions port features back, so that says nothing of this kernel.
    pub since: &'static str,
    /// What it does here.
    pub what: &'static str,
    /// The level that needs it, and with that the richer ones; `None`: used on request alone, or not at all.
    pub level: Option<Level>,
    /// The kernel does it for this process.
    pub available: bool,
    /// Why not; empty where it is available.
    pub why: String,
}

/// A feature, the level that needs it, and how to find out.
struct Row(&'static str, &'static str, &'static str, Option<Level>, fn() -> io::Result<()>);

use Level::{A, AMinus, APlus, B, C};

/// What the levels are made of.
const NEEDED: [Row; 18] = [
    Row("operations", "5.6", "connect, send, receive, accept, cancel", Some(C), trials::operations),
    Row("NODROP", "5.5", "no completion is lost when the queue is full", Some(C), trials::nodrop),
    Row("CQSIZE", "5.5", "a completion queue larger than the other", Some(C), trials::cqsize),
    Row("R_DISABLED", "5.10", "a ring is built before it is enabled", Some(C), trials::r_disabled),
    Row("EXT_ARG", "5.11", "waits with a time limit", Some(C), trials::ext_arg),
    Row("CQE_SKIP", "5.17", "a send that worked posts no completion", Some(B), trials::cqe_skip),
    Row("SUBMIT_ALL", "5.18", "a bad entry does not hold the rest back", Some(B), trials::submit_all),
    Row("ring descriptor", "5.18", "looked up once instead of at each enter", Some(B), trials::ring_fd),
    Row("COOP_TASKRUN", "5.19", "completions do not interrupt the worker", Some(B), trials::coop_taskrun),
    Row("buffer ring", "5.19", "memory is taken when bytes are there", Some(B), trials::buffer_ring),
    Row("multishot accept", "5.19", "one accept serves a listener for its life", Some(B), trials::multishot_accept),
    Row("cancel any", "5.19", "all operations end with one", Some(B), trials::cancel_any),
    Row("SINGLE_ISSUER", "6.0", "the kernel counts on one thread", Some(AMinus), trials::single_issuer),
    Row(
        "multishot receive",
        "6.0",
        "one receive serves a connection for its life",
        Some(AMinus),
        trials::multishot_receive,
    ),
    Row("DEFER_TASKRUN", "6.1", "completions are worked off when asked for", Some(A), trials::defer_taskrun),
    Row("NO_SQARRAY", "6.6", "one indirection less", Some(APlus), trials::no_sqarray),
    Row("min_wait", "6.12", "batches with a bound", Some(APlus), trials::min_wait),
    Row("ABS_TIMER", "6.12", "waits until an instant", Some(APlus), trials::abs_timer),
];

/// What no level needs: tried only where somebody wants to know.
const OTHERS: [Row; 5] = [
    Row("TASKRUN_FLAG", "5.19", "tells without an enter that one is needed; not used", None, trials::taskrun_flag),
    Row("SQPOLL", "5.11", "a kernel thread submits (--sqpoll)", None, trials::sqpoll),
    Row("NAPI", "6.9", "the ring polls the network card (--napi)", None, trials::napi),
    Row("bundles", "6.10", "several buffers to a completion; not used", None, trials::bundles),
    Row("SEND_ZC", "6.0", "sends without a copy; not used", None, trials::send_zc),
];

/// Everything probed, each by itself. Where io_uring cannot be had at all nothing is available, and `why` is that reason.
pub fn features() -> Vec<Feature> {
    match offer() {
        Ok(known) => known.iter().cloned().chain(OTHERS.iter().map(Row::tried)).collect(),
        Err(error) => {
            let why = error.to_string();
            NEEDED.iter().chain(&OTHERS).map(|row| row.feature(Err(why.clone()))).collect()
        }
    }
}

/// The best level that can be had here.
///
/// # Errors
/// There is no io_uring for this process, or none that is rich enough; the message names the cause and the cure.
pub fn level_here() -> Result<Level, SetupError> {
    let known = offer()?;
    let best = Level::ALL.into_iter().find(|level| missing(known, *level).next().is_none());
    best.ok_or_else(|| SetupError::poor(&named(missing(known, C))))
}

/// What this kernel lacks for `level`, as "NAME (SINCE), NAME (SINCE)"; `None` where nothing is missing.
///
/// # Errors
/// There is no io_uring for this process.
pub(super) fn lacks(level: Level) -> Result<Option<String>, SetupError> {
    let names = named(missing(offer()?, level));
    Ok((!names.is_empty()).then_some(names))
}

fn missing(known: &[Feature], level: Level) -> impl Iterator<Item = &Feature> {
    known.iter().filter(move |one| !one.available && one.level.is_some_and(|needing| needing >= level))
}

fn named<'a>(features: impl Iterator<Item = &'a Feature>) -> String {
    features.map(|one| format!("{} ({})", one.name, one.since)).collect::<Vec<_>>().join(", ")
}

impl Row {
    fn tried(&self) -> Feature {
        self.feature(self.4().map_err(|error| reason(&error)))
    }

    fn feature(&self, outcome: Result<(), String>) -> Feature {
        let Row(name, since, what, level, _) = *self;
        Feature { name, since, what, level, available: outcome.is_ok(), why: outcome.err().unwrap_or_default() }
    }
}

/// What the levels are made of, tried once in a process: that takes some milliseconds.
fn offer() -> Result<&'static [Feature], SetupError> {
    static KNOWN: OnceLock<Vec<Feature>> = OnceLock::new();
    // Not remembered: a ring that cannot be had now may be had later.
    plain(|builder| builder).map_err(|error| SetupError::new("set-up", error, 0))?;
    Ok(KNOWN.get_or_init(|| NEEDED.iter().map(Row::tried).collect()))
}

fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EINVAL) => "this kernel does not know it".into(),
        Some(libc::EOPNOTSUPP) => "this kernel was built without it".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(without: &[&str]) -> Vec<Feature> {
        let outcome = |row: &Row| if without.contains(&row.0) { Err("tried".into()) } else { Ok(()) };
        NEEDED.iter().chain(&OTHERS).map(|row| row.feature(outcome(row))).collect()
    }

    /// The best level with all features but these.
    fn best(without: &[&str]) -> Option<Level> {
        let known = known(without);
        Level::ALL.into_iter().find(|level| missing(&known, *level).next().is_none())
    }

    #[test]
    fn a_missing_feature_takes_the_levels_that_need_it() {
        let table: [(&[&str], _); 9] = [
            (&[], Some(APlus)),
            (&["TASKRUN_FLAG", "SQPOLL", "NAPI"], Some(APlus)),
            (&["ABS_TIMER"], Some(A)),
            (&["NO_SQARRAY"], Some(A)),
            (&["DEFER_TASKRUN"], Some(AMinus)),
            (&["multishot receive"], Some(B)),
            (&["CQE_SKIP"], Some(C)),
            (&["buffer ring", "ABS_TIMER"], Some(C)),
            (&["EXT_ARG"], None),
        ];
        for (without, level) in table {
            assert_eq!(best(without), level, "{without:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_version() {
        let known = known(&["ABS_TIMER", "DEFER_TASKRUN", "NAPI"]);
        assert_eq!(named(missing(&known, APlus)), "DEFER_TASKRUN (6.1), ABS_TIMER (6.12)");
        assert_eq!(named(missing(&known, A)), "DEFER_TASKRUN (6.1)");
        assert_eq!(named(missing(&known, AMinus)), "");
    }

    #[test]
    fn the_level_here_follows_from_what_is_here() {
        let all = features();
        let level = level_here().expect("io_uring");
        assert!(missing(&all, level).next().is_none());
        let richer = Level::ALL.into_iter().take_while(|other| *other != level);
        assert!(richer.into_iter().all(|other| missing(&all, other).next().is_some()));
        assert!(all.iter().all(|one| one.available == one.why.is_empty()), "{all:?}");
        // That much is on every machine the tests run on.
        assert!(level <= C && all.iter().any(|one| one.name == "multishot receive"));
    }
}
