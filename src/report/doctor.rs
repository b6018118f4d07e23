//! A diagnosis as text: a line for what is fine; cause and cure below what is not.

use super::text::page::{Page, Tone};
use crate::plan::cpus::format_list;
use crate::result::diagnosis::{Area, Diagnosis, Finding, Status};

/// Values begin in this column.
const COLUMN: usize = 36;

/// The whole diagnosis, ended by a newline.
#[must_use]
pub fn render(diagnosis: &Diagnosis, colour: bool) -> String {
    let mut page = Page::new(colour);
    page.line(Tone::Plain, &head(diagnosis));
    for area in Area::ALL {
        let findings: Vec<&Finding> = diagnosis.findings.iter().filter(|finding| finding.area == area).collect();
        if !findings.is_empty() {
            page.heading(area.heading());
            findings.iter().for_each(|finding| row(finding, &mut page));
        }
    }
    page.gap();
    diagnosis.notes.iter().for_each(|note| page.line(Tone::Plain, &format!("  Note: {note}.")));
    let (tone, words) = conclusion(&diagnosis.findings);
    page.line(tone, &format!("  {words}"));
    page.finish()
}

fn head(diagnosis: &Diagnosis) -> String {
    let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let on = |cpus: &[usize]| {
        let list = format_list(cpus);
        if list.contains([',', '-']) { format!("CPUs {list}") } else { format!("CPU {list}") }
    };
    let target = match &diagnosis.url {
        Some(url) => url.clone(),
        None => format!("the built-in server on {}", on(&diagnosis.server_cpus)),
    };
    let (workers, connections) = (plural(diagnosis.cpus.len(), "worker"), plural(diagnosis.connections, "connection"));
    format!("Looked at for {workers} on {}, {connections} @ {target}", on(&diagnosis.cpus))
}

fn row(finding: &Finding, page: &mut Page) {
    let (tone, word) = match finding.status {
        Status::Fine => (Tone::Plain, "fine"),
        Status::Better => (Tone::Warning, "better"),
        Status::Prevents => (Tone::Failure, "PREVENTS"),
    };
    page.line(tone, &format!("{:COLUMN$}{}", format!("    {word:<10}{}", finding.name), finding.value));
    if finding.status != Status::Fine {
        page.line(Tone::Plain, &format!("{:COLUMN$}{}", "", finding.why));
        if let Some(command) = &finding.command {
            page.line(Tone::Plain, &format!("{:COLUMN$}Change: {command}", ""));
        }
    }
}

/// What it comes to.
fn conclusion(findings: &[Finding]) -> (Tone, String) {
    let named = |status| -> Vec<&str> {
        findings.iter().filter(|one| one.status == status).map(|one| one.name.as_str()).collect()
    };
    let (prevents, better) = (named(Status::Prevents), named(Status::Better));
    let rest = match better.as_slice() {
        [] => String::new(),
        better => format!(" Could be better: {}.", better.join(", ")),
    };
    match prevents.as_slice() {
        [] => (Tone::Heading, format!("Nothing found here keeps saturing from full speed.{rest}")),
        prevents => (Tone::Failure, format!("Kept from full speed by: {}.{rest}", prevents.join(", "))),
    }
}
