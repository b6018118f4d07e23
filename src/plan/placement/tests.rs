//! Placement, case by case.

use super::*;
use std::path::Path;

/// `cores` as a topology, built from a sysfs that knows nothing or from written groups.
fn topology(cores: &[&[usize]]) -> Topology {
    let root = std::env::temp_dir().join(format!("saturing-placement-{}", std::process::id()));
    let root = root.join(format!("{:?}", std::thread::current().id()));
    for core in cores {
        for cpu in *core {
            let folder = root.join(format!("cpu{cpu}/topology"));
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("thread_siblings_list"), format_list(core)).expect("a file");
        }
    }
    let mut allowed = cores.concat();
    allowed.sort_unstable();
    let topology = Topology::group(&allowed, &root).expect("a CPU");
    std::fs::remove_dir_all(root).expect("removed");
    topology
}

fn ask(threads: Option<usize>, connections: Option<usize>, cpus: &[usize]) -> Ask {
    Ask { threads, connections, cpus: (!cpus.is_empty()).then(|| cpus.to_vec()) }
}

const ONE: &[&[usize]] = &[&[0]];
const ONE_SMT: &[&[usize]] = &[&[0, 1]];
const TWO: &[&[usize]] = &[&[0], &[1]];
const FOUR: &[&[usize]] = &[&[0], &[1], &[2], &[3]];
const FOUR_SMT: &[&[usize]] = &[&[0, 4], &[1, 5], &[2, 6], &[3, 7]];

struct Case {
    cores: &'static [&'static [usize]],
    ask: Ask,
    server: Server,
    cpus: &'static [usize],
    server_cpus: &'static [usize],
    connections: usize,
    notes: &'static [&'static str],
}

fn hold(cases: Vec<Case>) {
    for case in cases {
        let what = format!("{:?} of {:?} on {:?}", case.ask, case.server, case.cores);
        let placed = place(&topology(case.cores), &case.ask, case.server).expect(&what);
        assert_eq!(placed.placement.cpus, case.cpus, "{what}");
        assert_eq!(placed.placement.server_cpus, case.server_cpus, "{what}");
        assert_eq!(placed.connections, case.connections, "{what}");
        assert_eq!(placed.notes, case.notes, "{what}");
        let shared = case.cpus.iter().any(|cpu| case.server_cpus.contains(cpu));
        assert_eq!(placed.placement.shared, shared, "{what}");
    }
}

/// A case of a server elsewhere or on this host, which gets no CPUs from us.
fn client(
    cores: &'static [&'static [usize]],
    ask: Ask,
    server: Server,
    (cpus, connections): (&'static [usize], usize),
    notes: &'static [&'static str],
) -> Case {
    Case { cores, ask, server, cpus, server_cpus: &[], connections, notes }
}

#[test]
fn another_server() {
    use Server::{Elsewhere, ThisHost};
    hold(vec![
        client(ONE, ask(None, None, &[]), Elsewhere, (&[0], 64), &[]),
        client(ONE, ask(None, None, &[]), ThisHost, (&[0], 64), &[]),
        client(TWO, ask(None, None, &[]), Elsewhere, (&[0, 1], 128), &[]),
        client(TWO, ask(None, None, &[]), ThisHost, (&[0], 64), &[]),
        client(FOUR, ask(None, None, &[]), ThisHost, (&[0, 1], 128), &[]),
        client(FOUR_SMT, ask(None, None, &[]), Elsewhere, (&[0, 1, 2, 3], 256), &[]),
        client(FOUR_SMT, ask(Some(6), None, &[]), ThisHost, (&[0, 1, 2, 3, 4, 5], 384), &[]),
        client(TWO, ask(Some(3), Some(9), &[]), Elsewhere, (&[0, 1, 0], 9), &["3 workers share CPUs 0-1"]),
        client(
            FOUR,
            ask(Some(4), Some(2), &[]),
            Elsewhere,
            (&[0, 1], 2),
            &["2 of the 4 workers that --threads asks for: each needs a connection"],
        ),
        // Nobody asked for four, so nobody is told.
        client(FOUR, ask(None, Some(2), &[]), Elsewhere, (&[0, 1], 2), &[]),
    ]);
}

#[test]
fn chosen_cpus() {
    use Server::{Elsewhere, ThisHost};
    hold(vec![
        client(FOUR, ask(None, None, &[3, 1]), Elsewhere, (&[3, 1], 128), &[]),
        client(FOUR, ask(None, None, &[1, 2, 3]), ThisHost, (&[1, 2, 3], 192), &[]),
        client(FOUR, ask(Some(1), None, &[2, 3]), Elsewhere, (&[2], 64), &[]),
        client(FOUR, ask(Some(3), None, &[2, 3]), Elsewhere, (&[2, 3, 2], 192), &["3 workers share CPUs 2-3"]),
        client(FOUR, ask(Some(2), None, &[2]), Elsewhere, (&[2, 2], 128), &["2 workers share CPU 2"]),
        client(
            FOUR,
            ask(None, Some(1), &[2, 3]),
            Elsewhere,
            (&[2], 1),
            &["1 of the 2 workers that --cpus asks for: each needs a connection"],
        ),
    ]);
}

/// A case of the built-in server.
fn built_in(
    cores: &'static [&'static [usize]],
    ask: Ask,
    (cpus, connections): (&'static [usize], usize),
    server_cpus: &'static [usize],
    notes: &'static [&'static str],
) -> Case {
    Case { cores, ask, server: Server::BuiltIn, cpus, server_cpus, connections, notes }
}

#[test]
fn the_built_in_server_gets_what_is_left() {
    hold(vec![
        built_in(ONE, ask(None, None, &[]), (&[0], 64), &[0], &["client and server share CPU 0"]),
        built_in(
            ONE_SMT,
            ask(None, None, &[]),
            (&[0], 64),
            &[1],
            &["client and server share a physical core (CPUs 0-1)"],
        ),
        built_in(TWO, ask(None, None, &[]), (&[0], 64), &[1], &[]),
        built_in(TWO, ask(Some(2), None, &[]), (&[0, 0], 128), &[1], &["2 workers share CPU 0"]),
        built_in(FOUR, ask(None, None, &[]), (&[0, 1], 128), &[2, 3], &[]),
        built_in(FOUR, ask(None, Some(1), &[]), (&[0], 1), &[1, 2, 3], &[]),
        built_in(FOUR, ask(Some(3), None, &[]), (&[0, 1, 2], 192), &[3], &[]),
        built_in(FOUR_SMT, ask(None, None, &[]), (&[0, 1], 128), &[2, 3], &[]),
        built_in(FOUR_SMT, ask(Some(4), None, &[]), (&[0, 1, 2, 4], 256), &[3], &[]),
        built_in(FOUR, ask(None, None, &[0, 3]), (&[0, 3], 128), &[1, 2], &[]),
        built_in(FOUR_SMT, ask(None, None, &[0, 1]), (&[0, 1], 128), &[2, 3], &[]),
        built_in(
            FOUR_SMT,
            ask(None, None, &[0, 1, 2, 3]),
            (&[0, 1, 2, 3], 256),
            &[4, 5, 6, 7],
            &["client and server share a physical core (CPUs 0,4)"],
        ),
        built_in(TWO, ask(None, None, &[0, 1]), (&[0, 1], 128), &[0, 1], &["client and server share CPUs 0-1"]),
    ]);
}

#[test]
fn what_is_refused() {
    for (ask, message) in [
        (ask(Some(0), None, &[]), "--threads: must be 1 to 1024, got 0"),
        (ask(Some(1025), None, &[]), "--threads: must be 1 to 1024, got 1025"),
        (ask(None, None, &[0, 7]), "--cpus: must be CPUs allowed to this process (0-3), got 7"),
    ] {
        let error = place(&topology(FOUR), &ask, Server::Elsewhere).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn the_server_alone() {
    assert_eq!(serving(&topology(FOUR_SMT), None), Ok(vec![0, 1, 2, 3]));
    assert_eq!(serving(&topology(FOUR_SMT), Some(&[5, 0])), Ok(vec![5, 0]));
    assert_eq!(
        serving(&topology(TWO), Some(&[2])).expect_err("not allowed").to_string(),
        "--cpus: must be CPUs allowed to this process (0-1), got 2"
    );
    let unknown = Topology::group(&[0, 1], Path::new("/nonexistent")).expect("a CPU");
    assert_eq!(serving(&unknown, None), Ok(vec![0, 1]));
}
