//! What is run in which order.

use super::case::{Load, Point, Suite};
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
                    let own: Vec<Client> = load.clients.iter().filter_map(|name| Client::parse(name)).collect();
                    let clients = if clients.is_empty() || load.locustfile.is_some() { &own[..] } else { clients };
                    let reduced = if quick { load.quick(&self.quick) } else { load.clone() };
                    for &client in clients {
                        for &point in &reduced.points {
                            let mut row = of_case.name.clone();
                            if of_case.requests.len() > 1 {
                                row += &format!("/{}", asked.name);
                            }
                            if asked.loads.len() > 1 {
                                row += &format!(":{}", load.name);
                            }
                            row += &reduced.mark(&point);
                            if clients.len() > 1 {
                                row += &format!("+{}", client.name());
                            }
                            tasks.push(Task { row, case, request, load: reduced.clone(), point, client });
                        }
                    }
                }
            }
        }
        tasks
    }

    /// The rows of a run, without figures.
    pub(super) fn rows(&self, quick: bool, clients: &[Client]) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for task in self.tasks(quick, clients) {
            let case = &self.cases[task.case];
            let request = &case.requests[task.request];
            // Figures of then are the first request's and load's, by whatever client.
            let first = task.request == 0 && request.loads.first().is_some_and(|load| load.name == task.load.name);
            let full = request.loads.iter().find(|load| load.name == task.load.name);
            let same = |other: &Point| {
                (other.connections, other.rate_per_s) == (task.point.connections, task.point.rate_per_s)
            };
            let nth = full.and_then(|load| load.points.iter().position(same)).unwrap_or(0);
            let sweep = full.is_some_and(|load| load.points.len() > 1);
            let series = task.row.split('@').next().unwrap_or_default();
            let client = if task.row.contains('+') { format!(" by {}", task.client.name()) } else { String::new() };
            rows.push(Row {
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
            });
        }
        rows
    }
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
