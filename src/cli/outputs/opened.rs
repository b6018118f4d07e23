//! Outputs at work: opened before anything is measured, so that a place that cannot be written is known then, and written while the
//! run lasts or at its end.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::failure::Failure;
use super::{Format, Input, Output, Sink, To, printed, put, written};
use crate::plan::Error;
use crate::run::Ended;
use crate::target::outlet;

/// All outputs of a command.
pub(in crate::cli) struct Opened<'a> {
    places: Vec<Place<'a>>,
}

/// One output.
struct Place<'a> {
    sink: &'a Sink,
    /// `None`: standard output.
    file: Option<File>,
    /// Something was written while the run lasted.
    begun: bool,
    /// Why no more of it can be written.
    failed: Option<io::Error>,
}

impl Place<'_> {
    fn append(&mut self, text: &str) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(text.as_bytes()),
            None => put(text),
        }
    }
}

impl<'a> Opened<'a> {
    /// Opens and empties the files of all outputs, or none.
    ///
    /// # Errors
    /// One cannot be opened; or two are the same file, or one is a file that is read, by whatever names.
    pub(in crate::cli) fn open(output: &'a Output) -> Result<Opened<'a>, Failure> {
        let mut made = Vec::new();
        let opened = open_all(output, &mut made);
        if opened.is_err() {
            made.iter().for_each(|path| drop(fs::remove_file(path)));
        }
        let places = opened?;
        for place in &places {
            if let (Some(file), To::File(path)) = (&place.file, &place.sink.to) {
                // Pipes and devices cannot be emptied.
                let emptied = if id(file.metadata()).is_some() { file.set_len(0) } else { Ok(()) };
                emptied.map_err(|error| cannot(place.sink.format, path, &error))?;
            }
        }
        Ok(Opened { places })
    }

    /// Whether standard output is another format's.
    pub(in crate::cli) fn report_goes_nowhere(&self) -> bool {
        self.places.iter().any(|place| place.file.is_none())
    }

    /// Whether something is written to standard output while a run lasts.
    pub(in crate::cli) fn grows_on_stdout(&self) -> bool {
        self.places.iter().any(|place| place.file.is_none() && place.sink.format.grows())
    }

    /// Writes what an interval of a run against `url` adds to the formats that grow while it lasts. One that cannot be written
    /// any more stays as it is, and is complained of at the end.
    pub(in crate::cli) fn interval(&mut self, url: &str, ended: &Ended<'_>) {
        for place in self.places.iter_mut().filter(|place| place.failed.is_none()) {
            if let Some(text) = place.sink.format.addition(url, ended, !place.begun) {
                place.begun = true;
                place.failed = place.append(&text).err();
            }
        }
    }

    /// Writes each output by itself: one that cannot be written takes no other with it. `report` goes to standard output unless
    /// a format does. False if something could not be written.
    pub(in crate::cli) fn write(self, report: &str, render: &dyn Fn(Format) -> io::Result<String>) -> bool {
        let printed = self.report_goes_nowhere() || printed(report);
        self.write_files(render) && printed
    }

    /// The same without a report.
    pub(in crate::cli) fn write_files(self, render: &dyn Fn(Format) -> io::Result<String>) -> bool {
        let mut all_written = true;
        for mut place in self.places {
            let outcome = match place.failed.take() {
                Some(error) => Err(error),
                None if place.begun => Ok(()),
                None => render(place.sink.format).and_then(|text| place.append(&text)),
            };
            let option = place.sink.format.option();
            all_written &= match &place.sink.to {
                To::File(path) => written(outcome, &format!("{option} {}", path.display())),
                To::Stdout => written(outcome, &format!("{option}: standard output")),
            };
        }
        all_written
    }
}

fn cannot(format: Format, path: &Path, error: &io::Error) -> Failure {
    Failure::no_run(format!("{} {}: {error}", format.option(), path.display()))
}

/// What a regular file is known by, under whatever name: its device and its inode.
type Id = (u64, u64);

/// Pipes and devices may be shared.
fn id(metadata: io::Result<Metadata>) -> Option<Id> {
    metadata.ok().filter(Metadata::is_file).map(|file| (file.dev(), file.ino()))
}

/// Opens all files as they are, after a look at what is there already; `made` are those that were not.
fn open_all<'a>(output: &'a Output, made: &mut Vec<PathBuf>) -> Result<Vec<Place<'a>>, Failure> {
    let standard = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let mut taken: Vec<(Id, String)> = Vec::new();
    taken.extend(id(standard.and_then(|file| file.metadata())).map(|id| (id, "standard output".to_owned())));
    let read = |Input { argument, file }: &Input| Some((id(fs::metadata(file))?, format!("{argument}, which is read")));
    taken.extend(output.inputs.iter().filter_map(read));
    let claim = |taken: &mut Vec<(Id, String)>, format: Format, path: &Path, id: Option<Id>| {
        let Some(id) = id else { return Ok(()) };
        if let Some((_, other)) = taken.iter().find(|(other, _)| *other == id) {
            let rule = format!("must be a file of its own, and not that of {other}");
            return Err(Failure::from(Error::argument(format.option(), rule, path.display().to_string())));
        }
        taken.push((id, format.option().to_owned()));
        Ok(())
    };
    let files = output.sinks.iter().filter_map(|sink| match &sink.to {
        To::File(path) => Some((sink.format, path)),
        To::Stdout => None,
    });
    let before = taken.clone();
    for (format, path) in files {
        claim(&mut taken, format, path, id(fs::metadata(path)))?;
    }
    // Now again with those that are made now.
    let mut taken = before;
    let mut places = Vec::with_capacity(output.sinks.len());
    for sink in &output.sinks {
        let file = match &sink.to {
            To::Stdout => None,
            To::File(path) => {
                let is_new = !path.exists();
                let file = outlet::open(OpenOptions::new().write(true).create(true).truncate(false), path);
                let file = file.map_err(|error| cannot(sink.format, path, &error))?;
                // A link that leads nowhere yet stays.
                made.extend(is_new.then(|| fs::canonicalize(path).ok()).flatten());
                claim(&mut taken, sink.format, path, id(file.metadata()))?;
                Some(file)
            }
        };
        places.push(Place { sink, file, begun: false, failed: None });
    }
    Ok(places)
}

#[cfg(test)]
mod tests;
