//! From a suite's file to a [`Suite`]; what breaks a rule is told with file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;

use super::case::{Backend, Case, Cpus, Load, Point, Request, Suite, Topology};
use super::clients::Client;
use super::file::{BackendFile, CaseFile, CpusFile, LoadFile, Quick, Rates, RequestFile, StatementFile, SuiteFile};
use crate::plan::cpus::{self, Topology as Machine};
use crate::plan::{MAX_CONNECTIONS, MAX_PIPELINE, MAX_REPEAT, Until, shapes};
use crate::result::suite::{Outcome, Test};

/// Rounds, where neither suite nor case says how many.
const REPEAT: u32 = 3;
const READY_S: f64 = 20.0;
const TIMEOUT_S: f64 = 10.0;
/// Times in a suite's file are at most this long.
const LONGEST_S: f64 = 3600.0;
const BY: f64 = 1.05;

impl Suite {
    /// Reads the suite in the file `path`, for a machine with the CPUs of `machine`.
    ///
    /// # Errors
    /// It cannot be read, or breaks a rule: a line with file, line, rule and what was given.
    pub fn read(path: &Path, machine: &Machine) -> Result<Suite, String> {
        let text = fs::read_to_string(path).map_err(|error| {
            format!(
                "{}: {error}; suites are in bench/suites/ of a checkout, --suite FILE names another",
                path.display()
            )
        })?;
        Reader { path, text: &text, machine }.suite()
    }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    machine: &'a Machine,
}

type Loads = BTreeMap<String, Load>;

impl Reader<'_> {
    fn suite(&self) -> Result<Suite, String> {
        let file: SuiteFile = toml::from_str(self.text).map_err(|error| {
            let line = error.span().map_or(1, |span| self.line_at(span.start));
            self.at(line, error.message().trim().replace('\n', ", "))
        })?;
        // bench/ of bench/suites/seed.toml.
        let here = fs::canonicalize(self.path).map_err(|error| self.at(1, error))?;
        let root = here.ancestors().nth(2).unwrap_or(Path::new("/")).to_path_buf();
        let (mut loads, mut backends) = (Loads::new(), BTreeMap::new());
        for (name, load) in &file.load {
            loads.insert(name.clone(), self.load(name, load, &root)?);
        }
        for (name, backend) in &file.backend {
            self.named("backend", name, backend)?;
            backends.insert(name.clone(), self.backend(&file, backend)?);
        }
        let mut suite = Suite {
            text: self.text.to_owned(),
            path: self.path.to_owned(),
            quick: self.quick(&file)?,
            name: file.name.clone(),
            title: file.title.clone(),
            about: file.about.trim().to_owned(),
            root,
            backends,
            cases: Vec::new(),
            statements: Vec::new(),
        };
        let mut names = BTreeSet::new();
        for case in &file.case {
            let line = self.named("case", &case.get_ref().name, case)?;
            if !names.insert(case.get_ref().name.as_str()) {
                return Err(self.at(line, format!("case {}: there is another of that name", case.get_ref().name)));
            }
            suite.cases.push(self.case(&file, &suite, case.get_ref(), line, &loads)?);
        }
        suite.statements = self.statements(&file, &suite)?;
        Ok(suite)
    }

    fn line_at(&self, offset: usize) -> usize {
        1 + self.text.as_bytes()[..offset.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count()
    }

    fn line<T>(&self, part: &Spanned<T>) -> usize {
        self.line_at(part.span().start)
    }

    fn at(&self, line: usize, message: impl std::fmt::Display) -> String {
        format!("{}:{line}: {message}", self.path.display())
    }

    /// The line of a part whose name is one.
    fn named<T>(&self, what: &str, name: &str, part: &Spanned<T>) -> Result<usize, String> {
        let line = self.line(part);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(self.at(line, format!("{what}: a name must be of letters, digits, _ and -, got {name:?}")));
        }
        Ok(line)
    }

    fn seconds(&self, line: usize, what: &str, given: Option<f64>, default: f64) -> Result<Duration, String> {
        let s = given.unwrap_or(default);
        if !(0.0..=LONGEST_S).contains(&s) {
            return Err(self.at(line, format!("{what}: must be 0 to {LONGEST_S} s, got {s}")));
        }
        Ok(Duration::from_secs_f64(s))
    }

    fn quick(&self, file: &SuiteFile) -> Result<Quick, String> {
        let quick = &file.quick;
        if quick.requests == 0 || quick.points == 0 || quick.duration_s <= 0.0 {
            return Err(self.at(1, "quick: requests, duration_s and points must be more than 0"));
        }
        self.seconds(1, "quick: duration_s", Some(quick.duration_s), 0.0)?;
        self.seconds(1, "quick: warmup_s", Some(quick.warmup_s), 0.0)?;
        Ok(*quick)
    }

    fn backend(&self, file: &SuiteFile, backend: &Spanned<BackendFile>) -> Result<Backend, String> {
        let (line, backend) = (self.line(backend), backend.get_ref());
        if backend.command.is_empty() {
            return Err(self.at(line, "backend: command must name a program"));
        }
        let ready_s = backend.ready_s.or(file.defaults.ready_s);
        let mut env = file.defaults.env.clone();
        env.extend(backend.env.clone());
        Ok(Backend {
            command: backend.command.clone(),
            env,
            ready_path: backend.ready_path.clone(),
            ready: self.seconds(line, "backend: ready_s", ready_s, READY_S)?,
            scheme: backend.scheme.clone().unwrap_or_default(),
            line,
        })
    }

    fn load(&self, name: &str, load: &Spanned<LoadFile>, root: &Path) -> Result<Load, String> {
        let line = self.named("load", name, load)?;
        let load = load.get_ref();
        let bad = |rule: &str| self.at(line, format!("load {name}: {rule}"));
        let pipeline = load.pipeline.unwrap_or(1);
        if !(1..=MAX_PIPELINE).contains(&(pipeline as usize)) {
            return Err(bad(&format!("pipeline must be 1 to {MAX_PIPELINE}, got {pipeline}")));
        }
        if let Some(kind) = load.arrivals.as_deref().filter(|kind| !["constant", "poisson"].contains(kind)) {
            return Err(bad(&format!("arrivals must be constant or poisson, got {kind:?}")));
        }
        let client = |name: &String| {
            let known = || bad(&format!("there is no client {name:?}; there are {}", Client::names()));
            Client::parse(name).ok_or_else(known)
        };
        let clients: Vec<Client> = load.clients.iter().map(client).collect::<Result<_, _>>()?;
        Ok(Load {
            name: name.to_owned(),
            points: self.points(load, &bad)?,
            threads: load.threads.unwrap_or(1).max(1),
            arrivals: load.arrivals.clone(),
            warmup: self.seconds(line, "load: warmup_s", load.warmup_s, 0.0)?,
            pipeline,
            keepalive: load.keepalive.unwrap_or(true),
            timeout: self.seconds(line, "load: timeout_s", load.timeout_s, TIMEOUT_S)?,
            quick: load.quick_s.map(|s| self.seconds(line, "load: quick_s", Some(s), 0.0)).transpose()?,
            locustfile: load.locustfile.as_ref().map(|file| root.join(file)),
            clients: if clients.is_empty() { vec![Client::Saturing] } else { clients },
        })
    }

    fn points(&self, load: &LoadFile, bad: &dyn Fn(&str) -> String) -> Result<Vec<Point>, String> {
        let rates: Vec<Option<f64>> = match &load.rate_per_s {
            None => vec![None],
            Some(Rates::One(rate)) => vec![Some(*rate)],
            Some(Rates::Several(rates)) => rates.iter().copied().map(Some).collect(),
        };
        if rates.is_empty() || rates.iter().flatten().any(|rate| !(0.1..=1e9).contains(rate)) {
            return Err(bad("rate_per_s must be 0.1 to 1e9"));
        }
        if let Some(steps) = &load.steps {
            if load.connections.is_some()
                || load.requests.is_some()
                || load.duration_s.is_some()
                || load.rate_per_s.is_some()
            {
                return Err(bad("steps has connections and requests or a duration in it, and is for a closed loop"));
            }
            let steps =
                shapes::steps(steps).map_err(|error| bad(&error.to_string().replacen("--steps: ", "steps ", 1)))?;
            let point = |step: &crate::plan::Step| Point {
                connections: step.connections as u64,
                rate_per_s: None,
                until: step.until,
            };
            return Ok(steps.iter().map(point).collect());
        }
        let connections = load.connections.ok_or_else(|| bad("connections must be given, or steps"))?;
        if !(1..=MAX_CONNECTIONS as u64).contains(&connections) {
            return Err(bad(&format!("connections must be 1 to {MAX_CONNECTIONS}, got {connections}")));
        }
        let duration = match (load.requests, load.duration_s) {
            (Some(0), None) => return Err(bad("requests must be more than 0")),
            (Some(_), None) => None,
            (None, Some(s)) if s > 0.0 && s <= LONGEST_S => Some(Duration::from_secs_f64(s)),
            (None, Some(s)) => {
                return Err(bad(&format!("duration_s must be more than 0, at most {LONGEST_S}, got {s}")));
            }
            _ => return Err(bad("one of requests and duration_s must be given")),
        };
        let until = Until { duration, requests: load.requests };
        Ok(rates.into_iter().map(|rate_per_s| Point { connections, rate_per_s, until }).collect())
    }

    fn case(
        &self,
        file: &SuiteFile,
        suite: &Suite,
        case: &CaseFile,
        line: usize,
        loads: &Loads,
    ) -> Result<Case, String> {
        let bad = |rule: String| self.at(line, format!("case {}: {rule}", case.name));
        let defaults = &file.defaults;
        if case.server.is_empty() {
            return Err(bad("server must name a program".into()));
        }
        if let Some(name) = case.backends.iter().find(|name| !suite.backends.contains_key(*name)) {
            let known: Vec<&str> = suite.backends.keys().map(String::as_str).collect();
            return Err(bad(format!("there is no backend {name:?}; there are {}", known.join(", "))));
        }
        let topology = Topology::parse(case.topology.as_deref()).map_err(bad)?;
        if topology == Topology::Lan && !case.sysctl.is_empty() {
            return Err(bad("sysctl is for topology = \"s1s2\": this host's own are left alone".into()));
        }
        let repeat = case.repeat.or(defaults.repeat).unwrap_or(REPEAT);
        if !(1..=MAX_REPEAT).contains(&repeat) {
            return Err(bad(format!("repeat must be 1 to {MAX_REPEAT}, got {repeat}")));
        }
        let mut env = defaults.env.clone();
        env.extend(case.env.clone());
        let of_case = if case.loads.is_empty() { &defaults.loads } else { &case.loads };
        let requests: Vec<Request> = case
            .request
            .iter()
            .map(|request| self.request(suite, request, of_case, loads, &bad))
            .collect::<Result<_, _>>()?;
        let names: BTreeSet<&str> = requests.iter().map(|request| request.name.as_str()).collect();
        if requests.is_empty() || names.len() < requests.len() {
            return Err(bad("there must be requests, each with a name of its own".into()));
        }
        let mut then = case.then_points.clone();
        then.extend(case.then.clone().filter(|_| then.is_empty()));
        Ok(Case {
            name: case.name.clone(),
            group: case.group.clone(),
            about: case.about.clone(),
            server: case.server.clone(),
            dir: suite.root.join(case.dir.as_ref().or(defaults.dir.as_ref()).map_or("", String::as_str)),
            env,
            backends: case.backends.clone(),
            topology,
            sysctl: case.sysctl.clone(),
            ready: self.seconds(line, "case: ready_s", case.ready_s.or(defaults.ready_s), READY_S)?,
            ready_path: case.ready_path.clone(),
            cpus: self.cpus(&case.cpus, &defaults.cpus).map_err(bad)?,
            repeat,
            requests,
            then,
            line,
        })
    }

    fn request(
        &self,
        suite: &Suite,
        request: &RequestFile,
        of_case: &[String],
        loads: &Loads,
        bad: &dyn Fn(String) -> String,
    ) -> Result<Request, String> {
        let method = request.method.clone().unwrap_or_else(|| "GET".to_owned());
        let name = request.name.clone().unwrap_or_else(|| method.clone());
        let bad = |rule: String| bad(format!("request {name}: {rule}"));
        let answer = match (&request.answer, &request.answer_file) {
            (Some(answer), None) => answer.clone().into_bytes(),
            (None, Some(file)) => {
                let path = suite.root.join(file);
                fs::read(&path).map_err(|error| bad(format!("answer_file {}: {error}", path.display())))?
            }
            _ => {
                return Err(bad(
                    "one of answer and answer_file must be given: answers are checked byte for byte".into()
                ));
            }
        };
        let header = |text: &String| {
            let parts = text.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
            parts.ok_or_else(|| bad(format!("headers must each be \"Name: value\", got {text:?}")))
        };
        let names = if request.loads.is_empty() { of_case } else { &request.loads };
        let load = |name: &String| {
            let known = || loads.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            loads.get(name).cloned().ok_or_else(|| bad(format!("there is no load {name:?}; there are {}", known())))
        };
        let loads: Vec<Load> = names.iter().map(load).collect::<Result<_, _>>()?;
        if loads.is_empty() {
            return Err(bad("loads must name a load".into()));
        }
        Ok(Request {
            path: request.path.clone().unwrap_or_else(|| "/".to_owned()),
            headers: request.headers.iter().map(header).collect::<Result<_, _>>()?,
            body: request.body.clone(),
            status: request.status.unwrap_or(200),
            excess: request.excess.clone().unwrap_or_default().into_bytes(),
            name,
            method,
            answer,
            loads,
        })
    }

    /// Cores of their own as far as there are enough: client, server, backend.
    fn cpus(&self, own: &CpusFile, defaults: &CpusFile) -> Result<Cpus, String> {
        let cores: Vec<usize> = self.machine.cores().iter().filter_map(|core| core.cpus.first().copied()).collect();
        let nth = |n: usize| cores.get(n.min(cores.len().saturating_sub(1))).copied().into_iter().collect();
        let allowed = self.machine.allowed();
        let set = |name: &str, own: &Option<String>, default: &Option<String>, auto: Vec<usize>| match own
            .as_deref()
            .or(default.as_deref())
        {
            None | Some("auto") => Ok(auto),
            Some(list) => cpus::parse_list(list)
                .filter(|list| list.iter().all(|cpu| allowed.contains(cpu)))
                .ok_or_else(|| format!("cpus.{name} must be CPUs of {}, got {list:?}", cpus::format_list(&allowed))),
        };
        Ok(Cpus {
            client: set("client", &own.client, &defaults.client, nth(0))?,
            server: set("server", &own.server, &defaults.server, nth(1))?,
            backend: set("backend", &own.backend, &defaults.backend, nth(2))?,
        })
    }

    fn statements(&self, file: &SuiteFile, suite: &Suite) -> Result<Vec<Outcome>, String> {
        let tasks = suite.tasks(false, &[]);
        let rows: Vec<&str> = tasks.iter().map(|task| task.row.as_str()).collect();
        let one = |statement: &Spanned<StatementFile>| {
            let (line, statement) = (self.line(statement), statement.get_ref());
            let bad = |rule: String| self.at(line, format!("statement {}: {rule}", statement.id));
            if statement.b.is_some() == statement.than.is_some() {
                return Err(bad("one of b and than must be given".into()));
            }
            let named: Vec<String> = std::iter::once(&statement.a).chain(&statement.b).cloned().collect();
            if let Some(missing) = named.iter().find(|id| !rows.contains(&id.as_str())) {
                let case = missing.split(['/', ':', '@', '+']).next().unwrap_or(missing);
                let like: Vec<&str> = rows.iter().copied().filter(|id| id.starts_with(case)).collect();
                let of_them = if like.is_empty() { String::new() } else { format!("; there are {}", like.join(", ")) };
                return Err(bad(format!("there is no row {missing:?}{of_them}")));
            }
            let by = statement.by.unwrap_or(BY);
            if by.is_nan() || by < 1.0 {
                return Err(bad(format!("by must be at least 1, got {by}")));
            }
            Ok(Outcome {
                id: statement.id.clone(),
                kind: statement.kind,
                says: statement.says.clone(),
                why: statement.why.clone(),
                rows: named,
                test: Test { figure: statement.figure, is: statement.is, by, than: statement.than },
                ..Outcome::default()
            })
        };
        file.statement.iter().map(one).collect()
    }
}

/// The suite called `name`, where a checkout has it.
#[must_use]
pub fn place(name: &str) -> PathBuf {
    Path::new("bench/suites").join(format!("{name}.toml"))
}
