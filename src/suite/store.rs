//! A suite's results on disk: `suite.json` (rows over all runs), `suite.toml` (the suite as it was), `runs/` (every run, as it was),
//! `hdr/` (their latencies as HdrHistogram logs), `logs/` (what servers said).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::result::SCHEMA;
use crate::result::suite::{CaseRun, SuiteResult};

/// A folder with results.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Paths of this machine, and what stands for them in what is kept: results are to be shown.
    names: Vec<(String, &'static str)>,
}

impl Store {
    /// Makes the folder for new results.
    ///
    /// # Errors
    /// It has results already, or cannot be made.
    pub(super) fn create(folder: &Path, names: Vec<(String, &'static str)>) -> Result<Store, String> {
        let told = |error: io::Error| format!("{}: {error}", folder.display());
        if folder.join("suite.json").exists() {
            return Err(format!("{}: has results already; --out DIR names another folder", folder.display()));
        }
        for part in ["runs", "hdr", "logs"] {
            fs::create_dir_all(folder.join(part)).map_err(told)?;
        }
        // Programs get their paths, and run elsewhere.
        let folder = fs::canonicalize(folder).map_err(told)?;
        Ok(Store { folder, names })
    }

    /// The folder with earlier results.
    ///
    /// # Errors
    /// There are none.
    pub fn open(folder: &Path) -> Result<Store, String> {
        if folder.join("suite.json").is_file() {
            return Ok(Store { folder: folder.to_owned(), names: Vec::new() });
        }
        Err(format!("{}: no results of saturing suite run (no suite.json)", folder.display()))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The suite's results so far.
    pub(super) fn keep(&self, result: &SuiteResult) -> Result<(), String> {
        let text = serde_json::to_string_pretty(result).map_err(|error| error.to_string())?;
        self.write("suite.json", self.shown(text).as_bytes())
    }

    /// One run.
    pub(super) fn keep_run(&self, run: &CaseRun, hdr_log: Option<&Path>) -> Result<(), String> {
        let name = file_name(&run.row, run.round);
        if let Some(log) = hdr_log.filter(|log| log.is_file()) {
            let text = fs::read(log).map_err(|error| format!("{}: {error}", log.display()))?;
            self.write(&format!("hdr/{name}.hlog"), &text)?;
        }
        let text = serde_json::to_string(run).map_err(|error| error.to_string())?;
        self.write(&format!("runs/{name}.json"), self.shown(text).as_bytes())
    }

    /// The same for the logs whose names begin so. One that cannot be rewritten stays as it is.
    pub(super) fn keep_logs(&self, tag: &str) {
        let logs = fs::read_dir(self.logs()).into_iter().flatten().flatten();
        for log in logs.filter(|log| log.file_name().to_string_lossy().starts_with(tag)).map(|log| log.path()) {
            let Ok(text) = fs::read(&log) else { continue };
            let text = String::from_utf8_lossy(&text).into_owned();
            let shown = self.shown(text.clone());
            let _ = if shown.is_empty() {
                fs::remove_file(&log)
            } else if shown == text {
                Ok(())
            } else {
                fs::write(&log, shown)
            };
        }
    }

    fn shown(&self, text: String) -> String {
        self.names.iter().fold(text, |text, (path, name)| text.replace(path, name))
    }

    /// Writes a file of the folder: all of it, or, as on a full disk, nothing, and what was there before stays.
    ///
    /// # Errors
    /// It cannot be written: file and cause.
    pub fn write(&self, name: &str, text: &[u8]) -> Result<(), String> {
        let path = self.folder.join(name);
        let begun = path.with_extension("part");
        let written = File::create(&begun)
            .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&begun, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&begun);
            format!("{}: {error}", path.display())
        })
    }

    /// The results as they were kept, with rows made anew of all runs.
    ///
    /// # Errors
    /// A file cannot be read, or is of another version.
    pub fn load(&self) -> Result<(SuiteResult, Vec<CaseRun>), String> {
        let result: SuiteResult = read(&self.folder.join("suite.json"))?;
        if result.schema != SCHEMA {
            return Err(format!("{}: must have schema {SCHEMA}, got {}", self.folder.display(), result.schema));
        }
        let runs = self.folder.join("runs");
        let told = |error: io::Error| format!("{}: {error}", runs.display());
        let mut all = Vec::new();
        for entry in fs::read_dir(&runs).map_err(told)? {
            let path = entry.map_err(told)?.path();
            if path.extension().is_some_and(|end| end == "json") {
                all.push(read::<CaseRun>(&path)?);
            }
        }
        all.sort_by(|a, b| a.started_unix_s.total_cmp(&b.started_unix_s));
        Ok((result, all))
    }
}

fn read<T: DeserializeOwned + Serialize>(path: &Path) -> Result<T, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Of a row's run.
pub(super) fn file_name(row: &str, round: u32) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-@+".contains(c) { c } else { '.' };
    format!("{}-{round}", row.chars().map(plain).collect::<String>())
}
