//! Where things are on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use super::case::Suite;
use super::jobs::Task;
use super::process::is_there;
use super::words::Words;

/// What bench/setup.sh has made, and where programs may write.
pub(super) struct Machine {
    pub(super) python: PathBuf,
    pub(super) pypy: PathBuf,
    pub(super) saturing: PathBuf,
    work: Work,
    /// What placeholders stand for in every case.
    pub(super) words: Words,
}

impl Machine {
    pub(super) fn of(suite: &Suite) -> Result<Machine, String> {
        let (environments, cache) = (suite.root.join(".venv"), suite.root.join(".cache"));
        fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
        let (python, pypy) = (environments.join("cpython/bin/python"), environments.join("pypy/bin/python"));
        let saturing = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
        let work = Work::create()?;
        let mut words = Words::default();
        for (word, path) in [
            ("python", &python),
            ("pypy", &pypy),
            ("venv", &environments.join("cpython")),
            ("saturing", &saturing),
            ("cache", &cache),
            ("work", &work.0),
        ] {
            words.set(word, path.display());
        }
        Ok(Machine { python, pypy, saturing, work, words })
    }

    /// A folder of this run's own.
    pub(super) fn work(&self) -> &Path {
        &self.work.0
    }

    /// Paths of this machine, and what stands for them in what is kept.
    pub(super) fn names(&self, suite: &Suite) -> Vec<(String, &'static str)> {
        let named = |path: &Path, name| (path.display().to_string(), name);
        vec![named(&self.saturing, "saturing"), named(self.work(), "WORK"), named(&suite.root, "bench")]
    }

    /// That a program is missing is known before anything is run.
    pub(super) fn has_what_is_needed(&self, suite: &Suite, tasks: &[Task]) -> Result<(), String> {
        let cases = || {
            let wanted = |index: usize| tasks.iter().any(|task| task.case == index);
            suite.cases.iter().enumerate().filter(move |(index, _)| wanted(*index)).map(|(_, case)| case)
        };
        let servers = cases().map(|case| (case.line, format!("case {}", case.name), &case.server[0]));
        let backends = suite.backends.iter().filter(|(name, _)| cases().any(|case| case.backends.contains(name)));
        let backends = backends.map(|(name, backend)| (backend.line, format!("backend {name}"), &backend.command[0]));
        for (line, what, program) in servers.chain(backends) {
            let at = |why: String| format!("{}:{line}: {what}: {why}", suite.path.display());
            let program = self.words.fill(program).map_err(at)?;
            let there = suite.root.join(&program);
            let path = if there.is_file() { &there } else { Path::new(&program) };
            if !is_there(path) {
                return Err(at(format!("{program} is not there; bench/setup.sh installs what the suites need")));
            }
        }
        Ok(())
    }
}

/// A folder for programs to work in, gone with this.
struct Work(PathBuf);

impl Work {
    fn create() -> Result<Work, String> {
        let path = std::env::temp_dir().join(format!("saturing-suite-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Work(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
