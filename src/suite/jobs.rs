//! What is run in which order.

use super::case::{Case, Load, Point, Request, Suite};
use super::clients::Client;
use crate::result::suite::Row;

/// One load of one client on one server: a row's, once in each round.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// The row's id.
    pub(super) row: String,
    /// The case's and its request's index.
    pub(super) case: usize,
    pub(super) request: usize,
    pub(super) load: Load,
    pub(super) point: Point,
    pub(super) client: Client,
}

/// Tasks that share one start of a server.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Counted from 1.
    pub(super) round: u32,
    /// At least one, all of the same case.
    pub(super) tasks: Vec<Task>,
}

impl Suite {
    /// A task for each row, in the order of the file. `clients` replace those of the suite, but where a load is for one alone.
    pub(super) fn tasks(&self, quick: bool, clients: &[Client]) -> Vec<Task> {
        let mut tasks = Vec::new();
        for (case, of_case) in self.cases.iter().enumerate() {
            for (request, asked) in of_case.requests.iter().enumerate() {
                for load in &asked.loads {
                    let clients = if clients.is_empty() || load.locustfile.is_some() { &load.clients } else { clients };
                    let load = if quick { load.reduced(&self.quick) } else { load.clone() };
                    let each = clients.iter().flat_map(|client| load.points.iter().map(move |point| (*client, *point)));
                    tasks.extend(each.map(|(client, point)| {
                        let row = row_id(of_case, asked, &load, &point, Some(client).filter(|_| clients.len() > 1));
                        Task { row, case, request, load: load.clone(), point, client }
                    }));
                }
            }
        }
        tasks
    }

    /// The row of a task, without figures.
    pub(super) fn row(&self, task: &Task) -> Row {
        let case = &self.cases[task.case];
        let request = &case.requests[task.request];
        // Figures of then are the first request's and load's, by whatever client.
        let first = task.request == 0 && request.loads.first().is_some_and(|load| load.name == task.load.name);
        let full = request.loads.iter().find(|load| load.name == task.load.name);
        let same =
            |other: &Point| (other.connections, other.rate_per_s) == (task.point.connections, task.point.rate_per_s);
        let nth = full.and_then(|load| load.points.iter().position(same)).unwrap_or(0);
        let sweep = full.is_some_and(|load| load.points.len() > 1);
        let series = task.row.split('@').next().unwrap_or_default();
        let client = if task.row.contains('+') { format!(" by {}", task.client.name()) } else { String::new() };
        Row {
            id: task.row.clone(),
            case: case.name.clone(),
            group: case.group.clone(),
            about: case.about.clone(),
            request: request.name.clone(),
            load: task.load.name.clone(),
            client: task.client.name().to_owned(),
            topology: case.topology.name().to_owned(),
            connections: task.point.connections,
            rate_per_s: task.point.rate_per_s,
            series: sweep.then(|| format!("{series}{client}")),
            expected_status: request.status,
            then: case.then.get(nth).cloned().filter(|_| first),
            ..Row::default()
        }
    }
}

/// `CASE[/REQUEST][:LOAD][@c20|@r400][+CLIENT]`, each part where there is a choice.
fn row_id(case: &Case, request: &Request, load: &Load, point: &Point, client: Option<Client>) -> String {
    let of = |choice: bool, mark: char, name: &str| if choice { format!("{mark}{name}") } else { String::new() };
    let request_name = of(case.requests.len() > 1, '/', &request.name);
    let load_name = of(request.loads.len() > 1, ':', &load.name);
    let client = client.map_or_else(String::new, |client| format!("+{}", client.name()));
    format!("{}{request_name}{load_name}{}{client}", case.name, load.mark(point))
}

/// All jobs. Rounds go through the cases forth and back in turn: what drifts on the machine hits all alike. A load has its server
/// freshly started; with `quick` all loads of a case share one start.
pub(super) fn jobs(suite: &Suite, tasks: &[Task], quick: bool, repeat: Option<u32>) -> Vec<Job> {
    let together = |a: &Task, b: &Task| {
        let load = |task: &Task| (task.request, task.load.name.clone(), task.client);
        a.case == b.case && (quick || load(a) == load(b))
    };
    let starts: Vec<&[Task]> = tasks.chunk_by(together).collect();
    let rounds = |start: &[Task]| if quick { 1 } else { repeat.unwrap_or(suite.cases[start[0].case].repeat) };
    let most = starts.iter().map(|start| rounds(start)).max().unwrap_or(0);
    let mut jobs = Vec::new();
    for round in 1..=most {
        let mut of_round: Vec<Job> = starts
            .iter()
            .filter(|start| rounds(start) >= round)
            .map(|start| Job { round, tasks: start.to_vec() })
            .collect();
        if round % 2 == 0 {
            of_round.reverse();
        }
        jobs.append(&mut of_round);
    }
    jobs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::plan::cpus::Topology;

    fn suite(name: &str) -> Suite {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/suites").join(name);
        Suite::read(&path, &Topology::read().expect("CPUs")).expect("a suite")
    }

    #[test]
    fn rows_are_called_by_what_sets_them_apart() {
        let (seed, ceiling) = (suite("seed.toml"), suite("ceiling.toml"));
        let ids = |suite: &Suite, quick: bool, clients: &[Client]| -> Vec<String> {
            suite.tasks(quick, clients).into_iter().map(|task| task.row).collect()
        };
        let all = ids(&seed, false, &[]);
        for id in
            ["tornado_lan_flask_hw", "tornado_virt_lan/GET", "gevent_virt_s3/GET:weighttp_slow", "gevent_inc_load@c30"]
        {
            assert!(all.iter().any(|known| known == id), "{id}: {all:?}");
        }
        assert!(ids(&ceiling, false, &[]).contains(&"builtin:pipelined+h2load".to_owned()));
        for quick in [false, true] {
            let two = [Client::Saturing, Client::Wrk];
            for all in [ids(&seed, quick, &[]), ids(&seed, quick, &two), ids(&ceiling, quick, &two)] {
                assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no two alike");
            }
        }
        // A look keeps both ends of a sweep, and every case.
        let quick = ids(&seed, true, &[]);
        assert!(quick.contains(&"gevent_inc_load@c10".to_owned()) && quick.contains(&"gevent_inc_load@c50".to_owned()));
        assert!(!quick.contains(&"gevent_inc_load@c30".to_owned()));
        assert!(seed.cases.iter().all(|case| quick.iter().any(|id| id.starts_with(&case.name))));
    }

    #[test]
    fn figures_of_then_stand_at_their_own_points() {
        let seed = suite("seed.toml");
        let rows: Vec<Row> = seed.tasks(true, &[]).iter().map(|task| seed.row(task)).collect();
        let then =
            |id: &str| rows.iter().find(|row| row.id == id).and_then(|row| row.then.as_ref()).map(|then| then.mean);
        assert_eq!(then("gevent_inc_load@c10"), Some(462.0));
        assert_eq!(then("gevent_inc_load@c50"), Some(256.0));
        assert_eq!(then("tornado_lan_flask_hw"), Some(1930.0));
        assert_eq!(then("tornado_virt_lan/POST"), None);
    }

    #[test]
    fn rounds_go_forth_and_back_and_a_look_starts_each_server_once() {
        let seed = suite("seed.toml");
        let order = |round: u32, jobs: &[Job]| -> Vec<String> {
            jobs.iter().filter(|job| job.round == round).map(|job| job.tasks[0].row.clone()).collect()
        };
        let tasks = seed.tasks(false, &[]);
        let all = jobs(&seed, &tasks, false, Some(3));
        let mut back = order(2, &all);
        back.reverse();
        assert_eq!(order(1, &all), back);
        assert_eq!(order(1, &all), order(3, &all));
        assert!(all.iter().all(|job| job.tasks.iter().all(|task| task.request == job.tasks[0].request)));
        let tasks = seed.tasks(true, &[]);
        let look = jobs(&seed, &tasks, true, None);
        assert_eq!(look.len(), seed.cases.len());
        assert_eq!(look.iter().map(|job| job.tasks.len()).sum::<usize>(), tasks.len());
    }
}
