#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;
use crate::cli::failure::{BAD_ARGUMENTS, NO_RUN};

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("saturing-outputs-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn holds(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn output(typed: &[(Format, &str)], inputs: &[(&'static str, &str)]) -> Output {
    let typed: Vec<_> = typed.iter().map(|(format, place)| (*format, Some(*place))).collect();
    let inputs = inputs.iter().map(|(argument, file)| Input { argument, file: file.into() }).collect();
    Output { inputs, ..Output::read(false, &typed).unwrap() }
}

fn refused(output: &Output) -> Failure {
    Opened::open(output).err().unwrap()
}

#[test]
fn outputs_do_not_share_a_file_by_whatever_names() {
    let folder = Folder::new("shared");
    fs::write(folder.file("there"), "kept").unwrap();
    fs::hard_link(folder.file("there"), folder.file("hard")).unwrap();
    symlink("there", folder.file("soft")).unwrap();
    symlink("new", folder.file("dangling")).unwrap();
    fs::create_dir(folder.file("sub")).unwrap();
    for (one, other) in [
        ("there", "there"),
        ("there", "./there"),
        ("there", "sub/../there"),
        ("there", "hard"),
        ("soft", "there"),
        ("new", "new"),
        ("new", "sub/../new"),
        ("dangling", "new"),
    ] {
        let other = folder.file(other);
        let failure = refused(&output(&[(Format::Json, &folder.file(one)), (Format::Csv, &other)], &[]));
        let message = format!("--csv: must be a file of its own, and not that of --json, got {other}");
        assert_eq!(failure, Failure { code: BAD_ARGUMENTS, message }, "{one}");
        assert_eq!(folder.holds("there"), "kept");
        assert!(!PathBuf::from(folder.file("new")).exists(), "{one} {other}: nothing is made");
        assert!(fs::symlink_metadata(folder.file("dangling")).is_ok());
    }
}

#[test]
fn an_input_is_not_written_over() {
    let folder = Folder::new("input");
    fs::write(folder.file("body"), "mine").unwrap();
    symlink("body", folder.file("soft")).unwrap();
    for name in ["body", "soft"] {
        let failure = refused(&output(&[(Format::Csv, &folder.file(name))], &[("--body", &folder.file("body"))]));
        let rule = "--csv: must be a file of its own, and not that of --body, which is read";
        assert!(failure.code == BAD_ARGUMENTS && failure.message.starts_with(rule), "{failure:?}");
        assert_eq!(folder.holds("body"), "mine");
    }
}

#[test]
fn files_of_their_own_are_emptied_and_others_left_alone() {
    let folder = Folder::new("own");
    fs::write(folder.file("a"), "old").unwrap();
    fs::write(folder.file("read"), "mine").unwrap();
    let nowhere = folder.file("no/such/folder");
    let failure = refused(&output(&[(Format::Json, &folder.file("a")), (Format::Csv, &nowhere)], &[]));
    assert_eq!(failure.code, NO_RUN);
    assert_eq!(folder.holds("a"), "old", "nothing is emptied where another cannot be opened");
    let two = [(Format::Json, &*folder.file("a")), (Format::Csv, &*folder.file("b")), (Format::Hgrm, "-")];
    let output_of_two = output(&two, &[("--body", &folder.file("read"))]);
    let opened = Opened::open(&output_of_two).ok().unwrap();
    assert!(opened.report_goes_nowhere());
    assert_eq!(
        (folder.holds("a").as_str(), folder.holds("b").as_str(), folder.holds("read").as_str()),
        ("", "", "mine")
    );
    // Devices may be shared.
    assert!(Opened::open(&output(&[(Format::Json, "/dev/null"), (Format::Csv, "/dev/null")], &[])).is_ok());
}
