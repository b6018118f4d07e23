//! Open files: raised as far as is allowed, or a clear word before anything starts.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::Error;
use crate::plan::Plan;

/// Descriptors beside the connections': standard streams, libraries, and engines and listeners of each worker.
const BASE: u64 = 32;
const PER_WORKER: u64 = 8;

/// How many descriptors a run of `plan` takes.
pub fn open_files_needed(plan: &Plan) -> u64 {
    let workers = plan.placement.cpus.len() as u64;
    // The built-in server holds the other end of each connection.
    let ends = if plan.placement.server_cpus.is_empty() { 1 } else { 2 };
    plan.load.connections as u64 * ends + BASE + workers * PER_WORKER
}

/// Raises the soft limit if the plan needs that.
pub(super) fn allow_open_files(plan: &Plan) -> Result<(), Error> {
    let (needed, connections) = (open_files_needed(plan), plan.load.connections as u64);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(Error::new)?;
    if needed <= soft {
        return Ok(());
    }
    if needed > hard {
        return Err(Error(too_few(connections, needed, hard)));
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(|error| Error::new(format_args!("open files: {error}")))
}

fn too_few(connections: u64, needed: u64, hard: u64) -> String {
    format!(
        "{connections} connections need {needed} open files, this process may have {hard}: raise the hard limit \
         (`ulimit -Hn {needed}` as root, or LimitNOFILE / limits.conf), or use fewer connections"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_what_is_needed_and_what_is_allowed() {
        let text = too_few(60_000, 60_036, 20_000);
        assert!(text.contains("60036 open files") && text.contains("may have 20000"), "{text}");
    }
}
