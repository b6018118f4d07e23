//! What a machine allows a load generator, finding by finding.

use serde::{Deserialize, Serialize};

/// What was found on a host, for the run that was asked about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Version of this structure, that of the result's schema.
    pub schema: u32,
    /// Version of the program that looked.
    pub version: String,
    /// The command line, program name first.
    pub command: Vec<String>,
    /// The target; absent: the built-in server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The CPU of each worker.
    pub cpus: Vec<usize>,
    /// The CPUs of the built-in server.
    pub server_cpus: Vec<usize>,
    /// Connections in all.
    pub connections: usize,
    /// Nothing that was found keeps saturing from full speed.
    pub full_speed: bool,
    /// What a reader should know about choices made for them, one line each.
    pub notes: Vec<String>,
    /// Every finding, those of an area together.
    pub findings: Vec<Finding>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// The engine and what permits it.
    Engine,
    /// Each feature of io_uring.
    Features,
    /// What the process and its container may use.
    Limits,
    /// Sockets, ports and the network card.
    Network,
    /// CPUs, their clocks, and where workers are.
    Cpus,
}

impl Area {
    /// All, as a report has them.
    pub const ALL: [Area; 5] = [Area::Engine, Area::Limits, Area::Cpus, Area::Network, Area::Features];

    /// As a heading.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Area::Engine => "Engine",
            Area::Features => "Features of io_uring, each tried by itself",
            Area::Limits => "Limits of this process and its container",
            Area::Network => "Network",
            Area::Cpus => "CPUs and clocks",
        }
    }
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be, or it does not apply.
    Fine,
    /// It costs something, or would in another run.
    Better,
    /// It keeps saturing from full speed, or the run from starting.
    Prevents,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// What was looked at.
    pub name: String,
    /// What it is here.
    pub value: String,
    /// How good that is.
    pub status: Status,
    /// Why it matters, a sentence.
    pub why: String,
    /// What changes it, where something does and should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Finding {
    /// One that is as it should be.
    pub fn fine(area: Area, name: &str, value: impl Into<String>, why: impl Into<String>) -> Finding {
        let (value, why) = (value.into(), why.into());
        Finding { area, name: name.to_owned(), value, status: Status::Fine, why, command: None }
    }

    /// The same, but it could be better, by `command`.
    #[must_use]
    pub fn better(self, command: impl Into<String>) -> Finding {
        Finding { status: Status::Better, command: Some(command.into()), ..self }
    }

    /// The same, but it keeps saturing from full speed until `command`.
    #[must_use]
    pub fn prevents(self, command: impl Into<String>) -> Finding {
        Finding { status: Status::Prevents, command: Some(command.into()), ..self }
    }
}
