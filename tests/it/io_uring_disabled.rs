//! The sysctl that turns io_uring off for the whole machine. As that would disturb every other test, this one is run alone, by
//! check.sh: `cargo test --test it io_uring_disabled -- --ignored --nocapture`.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::support::answers::{HELLO, always};
use crate::support::saturing::{Running, load};
use crate::support::scripted::serve;

const SWITCH: &str = "/proc/sys/kernel/io_uring_disabled";

/// Puts the value back, however this process ends: it waits for the end of a pipe that nobody else holds, and signals
/// for the whole group do not reach it.
struct Restorer(Child);

impl Restorer {
    fn new(value: &str) -> Restorer {
        let script = "trap '' HUP INT TERM; cat > /dev/null; printf %s \"$1\" > \"$2\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", value, SWITCH]).stdin(Stdio::piped());
        Restorer(command.spawn().expect("a shell"))
    }
}

impl Drop for Restorer {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let status = self.0.wait().expect("a child of ours");
        assert!(status.success(), "{SWITCH} was not put back: {status}");
    }
}

/// The value, where it may be set: to write what is there already changes nothing.
fn settable() -> std::io::Result<String> {
    let value = fs::read_to_string(SWITCH)?.trim().to_owned();
    fs::write(SWITCH, &value)?;
    Ok(value)
}

#[test]
#[ignore = "sets a sysctl of the whole machine: check.sh runs it alone"]
fn where_io_uring_is_disabled_epoll_runs_and_says_why() {
    let before = match settable() {
        Ok(value) => value,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{SWITCH} must be settable in CI: {error}");
            eprintln!("NOT TESTED: kernel.io_uring_disabled=2, as {SWITCH} may not be set here ({error})");
            return;
        }
    };
    let server = serve(always(HELLO));
    let restorer = Restorer::new(&before);
    fs::write(SWITCH, "2").expect("it was settable");
    let options = "-n 200 -c 2 -T 50s";
    let running = Running::load(server.address, options).wait();
    let insisting = Running::load(server.address, &format!("{options} --engine uring")).wait();
    drop(restorer);
    assert_eq!(fs::read_to_string(SWITCH).expect("readable").trim(), before);

    let result = running.result();
    assert_eq!((running.code, result.requests.completed, result.engine.name.as_str()), (0, 200, "epoll"));
    let cure = "kernel.io_uring_disabled is 2: `sysctl kernel.io_uring_disabled=0`";
    assert!(result.engine.why.contains(cure), "{}", result.engine.why);
    assert_eq!((insisting.code, insisting.stdout.as_str()), (1, ""), "{insisting:?}");
    assert!(insisting.stderr.contains(cure) && insisting.stderr.lines().count() == 1, "{insisting:?}");
    // And what was put back is in force.
    if before == "0" {
        assert_eq!(load(server.address, options).engine.name, "uring");
    }
}
