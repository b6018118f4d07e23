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
    Ask { threads, connections, cpus: (!cpus.is_empty()).then(|| cpus.to_vec()), ..Ask::default() }
}

/// On another host, through a card whose node is not known.
const ELSEWHERE: Server = Server::Elsewhere { nic_node: None };

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
    use Server::ThisHost;
    hold(vec![
        client(ONE, ask(None, None, &[]), ELSEWHERE, (&[0], 64), &[]),
        client(ONE, ask(None, None, &[]), ThisHost, (&[0], 64), &[]),
        client(TWO, ask(None, None, &[]), ELSEWHERE, (&[0, 1], 128), &[]),
        client(TWO, ask(None, None, &[]), ThisHost, (&[0], 64), &[]),
        client(FOUR, ask(None, None, &[]), ThisHost, (&[0, 1], 128), &[]),
        client(FOUR_SMT, ask(None, None, &[]), ELSEWHERE, (&[0, 1, 2, 3], 256), &[]),
        client(FOUR_SMT, ask(Some(6), None, &[]), ThisHost, (&[0, 1, 2, 3, 4, 5], 384), &[]),
        client(TWO, ask(Some(3), Some(9), &[]), ELSEWHERE, (&[0, 1, 0], 9), &["3 workers share CPUs 0-1"]),
        client(
            FOUR,
            ask(Some(4), Some(2), &[]),
            ELSEWHERE,
            (&[0, 1], 2),
            &["2 of the 4 workers that --threads asks for: each needs a connection"],
        ),
        // Nobody asked for four, so nobody is told.
        client(FOUR, ask(None, Some(2), &[]), ELSEWHERE, (&[0, 1], 2), &[]),
    ]);
}

#[test]
fn chosen_cpus() {
    use Server::ThisHost;
    hold(vec![
        client(FOUR, ask(None, None, &[3, 1]), ELSEWHERE, (&[3, 1], 128), &[]),
        client(FOUR, ask(None, None, &[1, 2, 3]), ThisHost, (&[1, 2, 3], 192), &[]),
        client(FOUR, ask(Some(1), None, &[2, 3]), ELSEWHERE, (&[2], 64), &[]),
        client(FOUR, ask(Some(3), None, &[2, 3]), ELSEWHERE, (&[2, 3, 2], 192), &["3 workers share CPUs 2-3"]),
        client(FOUR, ask(Some(2), None, &[2]), ELSEWHERE, (&[2, 2], 128), &["2 workers share CPU 2"]),
        client(
            FOUR,
            ask(None, Some(1), &[2, 3]),
            ELSEWHERE,
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
        let error = place(&topology(FOUR), &ask, ELSEWHERE).expect_err(message);
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

/// A machine: each CPU's siblings, package and NUMA node.
fn machine(name: &str, cpus: &[(Vec<usize>, usize, usize)], capacities: &[usize]) -> Topology {
    let root = std::env::temp_dir().join(format!("saturing-machine-{name}-{}", std::process::id()));
    let mut allowed = Vec::new();
    for (core, (siblings, package, node)) in cpus.iter().enumerate() {
        for cpu in siblings {
            let folder = root.join(format!("cpu{cpu}"));
            std::fs::create_dir_all(folder.join("topology")).expect("a folder");
            std::fs::create_dir_all(folder.join(format!("node{node}"))).expect("a folder");
            let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("a file");
            write("topology/thread_siblings_list", format_list(siblings));
            write("topology/physical_package_id", package.to_string());
            if let Some(capacity) = capacities.get(core) {
                write("cpu_capacity", capacity.to_string());
            }
            allowed.push(*cpu);
        }
    }
    allowed.sort_unstable();
    let topology = Topology::group(&allowed, &root).expect("CPUs");
    std::fs::remove_dir_all(root).expect("removed");
    topology
}

/// Two sockets of 28 cores with two threads each: 0-27,56-83 and 28-55,84-111.
fn xeon(name: &str) -> Topology {
    let cores: Vec<_> = (0..56).map(|core| (vec![core, core + 56], core / 28, core / 28)).collect();
    machine(name, &cores, &[])
}

fn cpus_of(topology: &Topology, ask: &Ask, nic_node: Option<usize>) -> (Vec<usize>, Vec<String>) {
    let placed = place(topology, ask, Server::Elsewhere { nic_node }).expect("placed");
    (placed.placement.cpus, placed.notes)
}

#[test]
fn two_sockets_with_the_card_on_the_second() {
    let xeon = xeon("xeon");
    let card = "NUMA node 1, where the network card towards the target is";
    let (cpus, notes) = cpus_of(&xeon, &ask(None, None, &[]), Some(1));
    assert_eq!(cpus, (28..56).chain(0..28).collect::<Vec<_>>(), "one of each core, the card's node first");
    assert_eq!(notes, [format!("28 of 56 workers are on {card}: packets of the others cross between nodes")]);
    let (cpus, notes) = cpus_of(&xeon, &ask(Some(28), None, &[]), Some(1));
    assert_eq!((cpus, notes), ((28..56).collect(), vec![format!("all workers are on {card}")]));
    let (cpus, _) = cpus_of(&xeon, &ask(Some(57), None, &[]), Some(1));
    assert_eq!(cpus[56], 84, "siblings only when all cores have a worker, and the card's node first again");
    let (cpus, notes) = cpus_of(&xeon, &ask(None, None, &[0, 1]), Some(1));
    assert_eq!((cpus, notes), (vec![0, 1], vec![format!("no worker is on {card}: packets cross between nodes")]));
    let (cpus, notes) = cpus_of(&xeon, &ask(Some(2), None, &[]), None);
    assert_eq!((cpus, notes), (vec![0, 1], vec![]), "where the card is not known there is nothing to say");
}

#[test]
fn the_built_in_server_never_shares_a_core_of_a_large_machine() {
    let xeon = xeon("shared");
    for ask in [
        ask(None, None, &[]),
        ask(Some(55), None, &[]),
        Ask { threads_per_core: Some(2), ..Ask::default() },
        Ask { threads_per_core: Some(2), threads: Some(7), ..Ask::default() },
    ] {
        let placed = place(&xeon, &ask, Server::BuiltIn).expect("placed");
        let cores = |cpus: &[usize]| cpus.iter().map(|cpu| cpu % 56).collect::<Vec<_>>();
        let (client, server) = (cores(&placed.placement.cpus), cores(&placed.placement.server_cpus));
        assert!(!server.is_empty() && client.iter().all(|core| !server.contains(core)), "{ask:?}");
        assert_eq!(placed.notes, [""; 0], "{ask:?}");
    }
}

#[test]
fn workers_on_siblings() {
    let per_core =
        |threads_per_core, threads| Ask { threads, threads_per_core: Some(threads_per_core), ..Ask::default() };
    let smt = topology(FOUR_SMT);
    for (ask, server, cpus) in [
        (per_core(1, None), ELSEWHERE, vec![0, 1, 2, 3]),
        (per_core(2, None), ELSEWHERE, vec![0, 4, 1, 5, 2, 6, 3, 7]),
        (per_core(2, Some(3)), ELSEWHERE, vec![0, 4, 1]),
        (per_core(1, Some(5)), ELSEWHERE, vec![0, 1, 2, 3, 0]),
        (per_core(2, None), Server::ThisHost, vec![0, 4, 1, 5]),
        (per_core(2, None), Server::BuiltIn, vec![0, 4, 1, 5]),
    ] {
        assert_eq!(place(&smt, &ask, server).expect("placed").placement.cpus, cpus, "{ask:?} {server:?}");
    }
    assert_eq!(place(&smt, &per_core(2, None), Server::BuiltIn).expect("placed").placement.server_cpus, [2, 3]);
    for (cores, ask, message) in [
        (
            FOUR_SMT,
            per_core(3, None),
            "--threads-per-core: must be 1 to 2, the CPUs of a physical core that are allowed, got 3",
        ),
        (
            FOUR_SMT,
            per_core(0, None),
            "--threads-per-core: must be 1 to 2, the CPUs of a physical core that are allowed, got 0",
        ),
        (
            FOUR,
            per_core(2, None),
            "--threads-per-core: must be 1, as a physical core has one CPU that is allowed, got 2",
        ),
        (
            FOUR,
            Ask { cpus: Some(vec![1]), ..per_core(1, None) },
            "--threads-per-core: cannot be used with --cpus, which names each CPU, got 1",
        ),
    ] {
        assert_eq!(place(&topology(cores), &ask, ELSEWHERE).expect_err(message).to_string(), message);
    }
}

#[test]
fn several_nodes_in_a_socket() {
    // As an EPYC with two sockets of two nodes: two cores each.
    let cores: Vec<_> = (0..8).map(|core| (vec![core, core + 8], core / 4, core / 2)).collect();
    let epyc = machine("epyc", &cores, &[]);
    let (cpus, _) = cpus_of(&epyc, &ask(None, None, &[]), Some(3));
    assert_eq!(cpus, [6, 7, 4, 5, 0, 1, 2, 3], "the node, the rest of its socket, the other socket");
    // Confined to the other socket.
    let (cpus, notes) = cpus_of(&machine("confined", &cores[..2], &[]), &ask(None, None, &[]), Some(3));
    assert_eq!((cpus, notes.len()), (vec![0, 1], 1));
    assert!(notes[0].starts_with("no worker is on NUMA node 3"), "{notes:?}");
}

#[test]
fn strong_cores_come_first() {
    // Two performance cores with two threads behind two efficiency cores, as some number them.
    let cores = [(vec![0], 0, 0), (vec![1], 0, 0), (vec![2, 3], 0, 0), (vec![4, 5], 0, 0)];
    let hybrid = machine("hybrid", &cores, &[512, 512, 1024, 1024]);
    let all = |ask: &Ask| cpus_of(&hybrid, ask, Some(0));
    assert_eq!(all(&ask(None, None, &[])), (vec![2, 4, 0, 1], vec![]), "one node: nothing to say");
    assert_eq!(all(&Ask { threads_per_core: Some(2), ..Ask::default() }).0, [2, 3, 4, 5, 0, 1]);
    assert_eq!(serving(&hybrid, None), Ok(vec![2, 4, 0, 1]));
}
