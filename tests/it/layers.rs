//! The layers of design and code map, held against the source: imports go downwards only, unsafe code and the reading of
//! time stay where they belong.

use std::fs;
use std::path::Path;

/// Each module of the library with its layer, and what it must not import although that lies lower.
const LAYERS: &[(&str, u8, &[&str])] = &[
    ("protocol", 1, &[]),
    ("measure", 1, &[]),
    ("ring", 1, &[]),
    ("engine", 2, &[]),
    ("workload", 2, &["ring", "engine"]),
    ("plan", 3, &["ring"]),
    ("result", 4, &["ring", "protocol", "engine"]),
    ("judge", 5, &["ring", "protocol", "engine", "plan"]),
    ("worker", 6, &["engine", "judge"]),
    ("target", 6, &["judge"]),
    ("run", 7, &[]),
    ("report", 8, &["run", "worker", "ring", "protocol"]),
    ("search", 9, &["worker", "ring", "protocol"]),
    ("compare", 9, &["worker", "ring", "protocol"]),
    ("calibrate", 9, &["worker", "ring", "protocol"]),
    ("doctor", 9, &["worker", "ring", "protocol"]),
    ("suite", 9, &["worker", "ring", "protocol"]),
    ("cli", 10, &["ring", "worker"]),
];

/// What may be named only in these files or folders, and why there.
const KEPT: &[(&str, &[&str])] = &[
    // All unsafe code.
    ("unsafe", &["ring/"]),
    // The crate; the word alone may be printed.
    ("io_uring::", &["ring/"]),
    // Arguments are text to everybody else.
    ("argh", &["cli/"]),
    // The built-in server parses requests, `protocol` parses responses.
    ("httparse", &["protocol/", "target/"]),
    ("Instant", &[]),
    // The built-in server's Date header; and the dates of runs, from which nothing is computed.
    ("SystemTime", &["target/", "run/told.rs", "calibrate/mod.rs", "suite/mod.rs"]),
    ("clock_gettime", &["measure/clock.rs"]),
    // rustls wants a store of tickets that threads could share: each worker has its own, and never waits for it.
    // What crosses between workers is a flag and counters. Before the start, submission threads are told apart; and where an interval
    // of the time series ends, a worker leaves it for the watcher under a lock that it only tries.
    ("Mutex", &["ring/sqpoll.rs", "worker/series.rs", "protocol/tls/tickets.rs"]),
    ("RwLock", &[]),
    ("println", &[]),
    ("print", &["cli/"]),
    // The runtime's own; and one request by itself, which is no load.
    ("TcpStream", &["engine/tokio_uring/", "run/ask.rs", "suite/stage.rs"]),
    ("TcpListener", &["ring/", "engine/epoll/", "target/", "suite/stage.rs"]),
];

/// What a module must not name beside that.
const NEVER: &[(&str, &[&str])] = &[
    ("protocol/", &["net", "time", "fs", "io"]),
    ("measure/", &["net", "fs", "io", "thread"]),
    ("worker/", &["fs", "File", "eprintln", "stdout", "stderr"]),
    ("report/", &["eprintln", "stdout", "stderr", "fs::", "thread::"]),
    // Findings are figures: their sentences are made in report/words.
    ("judge/", &["format", "write", "units", "fs", "io", "thread"]),
];

/// A source file without its tests and comments.
struct Source {
    /// Below src/, as in `http/response.rs`.
    path: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), code: without_tests(text) }
    }

    /// `http` of `http/response.rs`.
    fn module(&self) -> &str {
        let top = self.path.split('/').next().unwrap_or_default();
        top.strip_suffix(".rs").unwrap_or(top)
    }

    /// How many modules deep: 1 for `result.rs` and `http/mod.rs`, 2 for `http/response.rs`.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.code.split(|c: char| !c.is_alphanumeric() && c != '_')
    }

    /// The word stands somewhere; of one that ends with `::`, the module or crate, and not what messages say of it.
    fn names(&self, word: &str) -> bool {
        match word.strip_suffix("::") {
            Some(krate) => self.names_crate(krate),
            None => self.words().any(|other| other == word),
        }
    }

    /// It names something of that crate.
    fn names_crate(&self, krate: &str) -> bool {
        let path = format!("{krate}::");
        let begins = |(at, _): (usize, &str)| !self.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        self.code.match_indices(&path).any(begins)
    }

    /// The modules of this crate that it names.
    fn imports(&self) -> Vec<String> {
        let to_root = "super::".repeat(self.depth());
        let mut found = Vec::new();
        for prefix in ["crate::", &to_root] {
            for (at, _) in self.code.match_indices(prefix) {
                if !prefix.starts_with("crate") && self.code[..at].ends_with("super::") {
                    continue;
                }
                let rest = &self.code[at + prefix.len()..];
                match rest.strip_prefix('{') {
                    None => found.push(identifier(rest)),
                    Some(group) => found.extend(members(group)),
                }
            }
        }
        found
    }

    fn lies_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path == *place || (place.ends_with('/') && self.path.starts_with(place)))
    }
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first name of each member of an import group, `group` being what follows its opening brace.
fn members(group: &str) -> Vec<String> {
    let (mut depth, mut found, mut start) = (0, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                found.push(identifier(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    found
}

/// Leaves out comments and what `#[cfg(test)]` stands before.
fn without_tests(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        if bare != "#[cfg(test)]" {
            code.push_str(bare.split("//").next().unwrap_or_default());
            code.push('\n');
            continue;
        }
        // Attributes, then an item: up to its semicolon, comma or brace in the attribute's own column.
        let indent = &line[..line.len() - bare.len()];
        let mut item = lines.find(|line| !line.trim_start().starts_with("#["));
        while let Some(line) = item {
            let own = line.strip_prefix(indent).is_some_and(|rest| !rest.starts_with(char::is_whitespace));
            if own && line.ends_with([';', '}', ',']) {
                break;
            }
            item = lines.next();
        }
    }
    code
}

/// The files that exist for tests only: named so, or declared so by their parents.
fn is_test(path: &str, all: &[(String, String)]) -> bool {
    let stem = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    stem == "tests"
        || path.contains("/tests/")
        || all.iter().any(|(_, text)| {
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            lines.windows(2).any(|pair| {
                pair[0] == "#[cfg(test)]"
                    && [format!("mod {stem};"), format!("pub(crate) mod {stem};")].contains(&pair[1].to_owned())
            })
        })
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let below = path.strip_prefix(&root).expect("below src");
                all.push((below.display().to_string(), fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    let kept = all.iter().filter(|(path, _)| !is_test(path, &all));
    kept.map(|(path, text)| Source::new(path, text)).collect()
}

/// What breaks a rule in `source`.
fn faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let module = source.module();
    let mut fault = |what: String| faults.push(format!("src/{}: {what}", source.path));
    if let Some((_, layer, never)) = LAYERS.iter().find(|(name, ..)| *name == module) {
        for other in source.imports() {
            // Macros and the like at the root of the crate belong to no layer.
            let Some((_, below, _)) = LAYERS.iter().find(|(name, ..)| *name == other) else {
                continue;
            };
            if other != module && (below >= layer || never.contains(&other.as_str())) {
                fault(format!("{module} must not import {other}"));
            }
        }
    } else if !["lib", "main"].contains(&module) {
        fault(format!("{module} has no layer: enter it in LAYERS and in the code map"));
    }
    for (word, places) in KEPT {
        if !source.lies_in(places) && source.names(word) {
            fault(format!("{word} is kept to {places:?}"));
        }
    }
    for (place, never) in NEVER {
        if source.lies_in(&[place]) {
            never.iter().filter(|word| source.names(word)).for_each(|word| fault(format!("must not name {word}")));
        }
    }
    faults
}

#[test]
fn imports_go_downwards_and_everything_is_in_its_place() {
    let sources = sources();
    assert!(sources.len() > 30, "the source is found");
    let faults: Vec<String> = sources.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_binary_knows_only_the_command_line() {
    let sources = sources();
    let main = sources.iter().find(|source| source.path == "main.rs").expect("main.rs");
    let named: Vec<&str> = main.code.split("saturing::").skip(1).collect();
    assert!(!named.is_empty() && named.iter().all(|rest| rest.starts_with("cli::")), "{}", main.code);
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let table = [
        (
            "protocol/response.rs",
            "use crate::measure::clock;",
            "src/protocol/response.rs: protocol must not import measure",
        ),
        ("protocol/a.rs", "use super::super::ring::Token;", "src/protocol/a.rs: protocol must not import ring"),
        ("result.rs", "use super::protocol::x;", "src/result.rs: result must not import protocol"),
        ("plan/a.rs", "use crate::{http, worker::{self, Job}};", "src/plan/a.rs: plan must not import worker"),
        ("worker/a.rs", "let x = crate::target::Server::start();", "src/worker/a.rs: worker must not import target"),
        ("run/mod.rs", "use crate::report;", "src/run/mod.rs: run must not import report"),
        ("novel/mod.rs", "", "src/novel/mod.rs: novel has no layer: enter it in LAYERS and in the code map"),
        ("worker/a.rs", "unsafe { x() }", "src/worker/a.rs: unsafe is kept to [\"ring/\"]"),
        ("engine/a.rs", "use io_uring::opcode;", "src/engine/a.rs: io_uring:: is kept to [\"ring/\"]"),
        ("worker/a.rs", "let at = std::time::Instant::now();", "src/worker/a.rs: Instant is kept to []"),
        ("worker/a.rs", "use std::fs;", "src/worker/a.rs: must not name fs"),
        ("report/a.rs", "fs::read(x)", "src/report/a.rs: must not name fs::"),
        ("judge/a.rs", "let x = format!(y);", "src/judge/a.rs: must not name format"),
    ];
    for (path, code, expected) in table {
        assert_eq!(faults(&Source::new(path, code)), [expected], "{code}");
    }
    for (path, code) in [
        ("worker/a.rs", "use crate::{http::Heads, ring, plan};"),
        ("protocol/a/b.rs", "use super::super::token;"),
        ("plan/a.rs", "// crate::worker is above\n#[cfg(test)]\nmod tests {\n    use crate::worker;\n}\n"),
        ("plan/a.rs", "#[cfg(test)]\nuse crate::worker;\nuse crate::protocol;"),
        ("plan/a.rs", "#![deny(unsafe_code)]"),
        ("report/a.rs", "\"fs.file-max, thread\""),
    ] {
        assert_eq!(faults(&Source::new(path, code)), [""; 0], "{code}");
    }
    assert!(Source::new("a.rs", "#[cfg(test)]\nmod tests {\n    x\n}\nafter").code.contains("after"));
}
