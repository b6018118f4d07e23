//! The engine, the features behind it, and what permits them.

use std::io;

use nix::errno::Errno;

use super::Case;
use crate::engine::{self, EngineConfig, EngineOptions, Feature, Level, Name};
use crate::result::diagnosis::{Area, Finding};

/// What engines can be had.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Each feature of io_uring.
    pub features: Vec<Feature>,
    /// What a run would use, or why there is none.
    pub chosen: Result<EngineChoice, String>,
    /// Memory that the rings of one worker lock, in bytes.
    pub locked_bytes: usize,
}

/// An engine and why it.
#[derive(Debug, Clone)]
pub struct EngineChoice {
    /// Which.
    pub name: Name,
    /// Its level; empty where there is only one.
    pub level: String,
    /// Why.
    pub why: String,
}

impl Offer {
    /// Tries what there is on this host, as `ask` wants it.
    pub fn here(ask: &EngineOptions) -> Offer {
        Offer { features: engine::features(), chosen: choose(ask), locked_bytes: engine::locked_bytes() }
    }

    fn has_uring(&self) -> bool {
        self.features.iter().any(|feature| feature.available)
    }
}

/// Builds one for a connection that is never opened.
fn choose(ask: &EngineOptions) -> Result<EngineChoice, String> {
    let order = EngineConfig { slots: 1, ..EngineConfig::default() };
    let built = ask.choose().and_then(|chosen| chosen.build(order)).map_err(|error| error.to_string())?;
    Ok(EngineChoice { name: built.name(), level: built.level().to_owned(), why: built.why() })
}

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut all = vec![chosen(case), switch(case), seccomp(case)];
    all.extend(features(case));
    all
}

/// What lacks prevents full speed, unless another engine was asked for.
pub(super) fn lacks(case: &Case<'_>, finding: Finding, command: &str) -> Finding {
    let asked = case.plan.engine.name == Name::Epoll;
    if asked { finding.better(command) } else { finding.prevents(command) }
}

fn chosen(case: &Case<'_>) -> Finding {
    let why = "io_uring from level A on (Linux 6.1) costs the least CPU per request.";
    let (ask, finding) = (&case.plan.engine, |value: String| Finding::fine(Area::Engine, "engine", value, why));
    let chosen = match &case.offer.chosen {
        Ok(chosen) => chosen,
        Err(message) => {
            return finding(format!("none: {message}")).prevents("--engine epoll, or what the message says");
        }
    };
    let value = format!("{} {}", chosen.name, chosen.level);
    let found = finding(format!("{}: {}", value.trim_end(), chosen.why));
    let fast = [Level::APlus, Level::A].map(Level::as_str);
    match chosen.name {
        Name::Uring if fast.contains(&chosen.level.as_str()) => found,
        Name::Uring if ask.level.is_some() => found.better("leave --uring-level out"),
        Name::Uring => found.prevents("a newer kernel: Linux 6.1, better 6.12"),
        _ if ask.name == chosen.name => found.better("leave --engine out"),
        _ => found.prevents("allow io_uring, as below"),
    }
}

fn switch(case: &Case<'_>) -> Finding {
    let why = "Hardened hosts switch io_uring off; 1 leaves it to root and kernel.io_uring_group, 2 to nobody.";
    let finding = |value: String| Finding::fine(Area::Engine, "io_uring_disabled", value, why);
    let Some(value) = case.files.number("/proc/sys/kernel/io_uring_disabled") else {
        return finding("this kernel has no such switch".to_owned());
    };
    let group = case.files.text("/proc/sys/kernel/io_uring_group").filter(|group| group != "-1");
    let group = group.map_or_else(String::new, |group| format!(", io_uring_group {group}"));
    let found = finding(format!("{value}{group}"));
    let command = "sysctl -w kernel.io_uring_disabled=0";
    match value {
        0 => found,
        1 if case.offer.has_uring() => finding(format!("1{group}, and this process is allowed")),
        _ => lacks(case, found, command),
    }
}

fn seccomp(case: &Case<'_>) -> Finding {
    let why = "The default profile of containers forbids io_uring_setup, io_uring_enter and io_uring_register.";
    let finding = |value: &str| Finding::fine(Area::Engine, "seccomp", value, why);
    // Where the switch is off, it alone may be the reason.
    let switched_off = case.files.number("/proc/sys/kernel/io_uring_disabled").is_some_and(|value| value > 0);
    match case.files.status("Seccomp").as_deref() {
        Some("2") if case.offer.has_uring() => finding("a filter, which lets io_uring pass"),
        Some("2") if switched_off => finding("a filter, and io_uring is switched off besides").better(SECCOMP),
        Some("2") => lacks(case, finding("a filter, and io_uring cannot be had"), SECCOMP),
        Some("1") => finding("strict"),
        _ => finding("no filter"),
    }
}

const SECCOMP: &str = "docker run --security-opt seccomp=unconfined ..., or a profile that allows the three";

/// A finding for each; one for all where there is nothing.
fn features(case: &Case<'_>) -> Vec<Finding> {
    let offer = &case.offer;
    if let Some(first) = offer.features.first().filter(|_| !offer.has_uring()) {
        let found =
            Finding::fine(Area::Features, "io_uring features", format!("no: {}", first.why), "None can be used.");
        return vec![lacks(case, found, "allow io_uring, as above")];
    }
    offer.features.iter().map(|feature| one_feature(case, feature)).collect()
}

fn one_feature(case: &Case<'_>, feature: &Feature) -> Finding {
    let since = format!("Linux {}", feature.since);
    if feature.why.contains(&io::Error::from(Errno::ENOMEM).to_string()) {
        let found = Finding::fine(
            Area::Features,
            feature.name,
            "could not be tried: no memory",
            "It may be there all the same.",
        );
        return found.better("more locked memory, as above");
    }
    let value = match (feature.available, feature.level) {
        (true, _) => format!("yes ({since}): {}", feature.what),
        (false, None) => format!("no, nor needed ({since}): {}; {}", feature.what, feature.why),
        (false, Some(_)) => format!("no ({since}): {}; {}", feature.what, feature.why),
    };
    let needed =
        feature.level.map_or_else(|| "Not needed.".to_owned(), |level| format!("Level {} needs it.", level.as_str()));
    let found = Finding::fine(Area::Features, feature.name, value, needed);
    let command = format!("a kernel that has it: {since} or later");
    match feature.level.filter(|_| !feature.available) {
        None => found,
        Some(Level::APlus) => found.better(command),
        Some(_) => lacks(case, found, &command),
    }
}
