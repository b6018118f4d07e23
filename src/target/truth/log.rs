//! The request log: a line for each request, collected in memory and written when nothing else is to be done.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::target::outlet;

const HEADER: &str = "connection,peer_port,sequence,id,received_ns,sent_ns\n";

/// What one write takes: a few microseconds.
const CHUNK: usize = 16 * 1024;

/// Chunks kept for a quiet moment; beyond that they are written in any case.
const KEPT: usize = 256;

/// The file, shared by all threads. Appending keeps whole what each of them writes at once.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    failed: AtomicBool,
}

impl LogFile {
    /// Makes or empties the file.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn create(path: &Path) -> io::Result<LogFile> {
        let file = outlet::open(OpenOptions::new().append(true).create(true), path)?;
        // Emptying is for files: pipes and devices refuse it.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        let file = LogFile { path: path.to_owned(), file, failed: AtomicBool::new(false) };
        file.append(HEADER.as_bytes());
        Ok(file)
    }

    /// Something could not be written.
    pub(super) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Says once that it failed, and writes nothing from then on: a log with a hole is worse than one that ends.
    fn append(&self, lines: &[u8]) {
        if self.failed() {
            return;
        }
        if let Err(error) = (&self.file).write_all(lines)
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            eprintln!("saturing: --log {}: {error}; the log ends here, the server goes on", self.path.display());
        }
    }
}

/// What a line says. Instants are nanoseconds of `CLOCK_MONOTONIC`.
pub(super) struct Line<'a> {
    /// Number of the accepted connection, from 0.
    pub(super) connection: u64,
    pub(super) peer_port: u16,
    /// The request's number on its connection, from 0.
    pub(super) sequence: u64,
    pub(super) id: &'a [u8],
    pub(super) received: u64,
    /// `None`: never answered, as the connection or the server ended first.
    pub(super) sent: Option<u64>,
}

/// One thread's part of the log.
pub(super) struct Log {
    file: Arc<LogFile>,
    filling: Vec<u8>,
    full: VecDeque<Vec<u8>>,
}

impl Log {
    pub(super) fn new(file: Arc<LogFile>) -> Log {
        Log { file, filling: Vec::with_capacity(CHUNK), full: VecDeque::new() }
    }

    pub(super) fn add(&mut self, line: &Line<'_>) {
        let out = &mut self.filling;
        // Into memory: cannot fail.
        let _ = write!(out, "{},{},{},", line.connection, line.peer_port, line.sequence);
        field(out, line.id);
        let _ = write!(out, ",{},", line.received);
        if let Some(sent) = line.sent {
            let _ = write!(out, "{sent}");
        }
        out.push(b'\n');
        if out.len() >= CHUNK {
            self.full.push_back(std::mem::replace(out, Vec::with_capacity(CHUNK + CHUNK / 4)));
        }
    }

    /// For a quiet moment: writes one chunk, if there is one.
    pub(super) fn write_some(&mut self) {
        if let Some(chunk) = self.full.pop_front() {
            self.file.append(&chunk);
        }
    }

    /// For any moment: writes only what there is too much of.
    pub(super) fn bound(&mut self) {
        while self.full.len() > KEPT {
            self.write_some();
        }
    }

    /// Writes everything.
    pub(super) fn finish(&mut self) {
        while !self.full.is_empty() {
            self.write_some();
        }
        self.file.append(&std::mem::take(&mut self.filling));
    }
}

/// A value as CSV has it: quoted if it would be taken for something else.
fn field(out: &mut Vec<u8>, value: &[u8]) {
    if !value.iter().any(|byte| b",\"\r\n".contains(byte)) {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    for &byte in value {
        out.extend_from_slice(if byte == b'"' { b"\"\"" } else { std::slice::from_ref(&byte) });
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, lines: u64, id: &[u8]) -> (String, usize) {
        let path = std::env::temp_dir().join(format!("saturing-log-{}-{name}", std::process::id()));
        std::fs::write(&path, "old content that must go").expect("a file");
        let file = Arc::new(LogFile::create(&path).expect("a log"));
        let mut log = Log::new(Arc::clone(&file));
        let mut most = 0;
        for sequence in 0..lines {
            let sent = (sequence % 2 == 0).then_some(sequence + 7);
            log.add(&Line { connection: 3, peer_port: 40_000, sequence, id, received: sequence, sent });
            log.bound();
            most = most.max(log.full.len());
        }
        log.finish();
        let text = std::fs::read_to_string(&path).expect("the log");
        std::fs::remove_file(&path).expect("removed");
        assert!(!file.failed());
        (text, most)
    }

    #[test]
    fn lines_are_csv() {
        assert_eq!(written("plain", 2, b"a1").0, format!("{HEADER}3,40000,0,a1,0,7\n3,40000,1,a1,1,\n"));
        assert_eq!(written("quoted", 1, b"a,\"b").0, format!("{HEADER}3,40000,0,\"a,\"\"b\",0,7\n"));
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_lost() {
        let (text, most) = written("many", 300_000, b"");
        assert!(most <= KEPT && text.len() > KEPT * CHUNK, "{most} chunks waited of {} bytes", text.len());
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines.len(), 300_000);
        assert!((0..).zip(&lines).all(|(number, line)| line.starts_with(&format!("3,40000,{number},,{number},"))));
    }

    #[test]
    fn a_full_disk_ends_the_log() {
        let file = Arc::new(LogFile::create(Path::new("/dev/full")).expect("opened"));
        assert!(file.failed());
        let mut log = Log::new(file);
        log.add(&Line { connection: 0, peer_port: 1, sequence: 0, id: b"", received: 0, sent: None });
        log.finish();
    }
}
