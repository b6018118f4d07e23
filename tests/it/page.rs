//! A suite's page in a browser, without a network: tests/page.py looks at it. Chromium or Playwright missing is a failure.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use saturing::report::suite::page;
use saturing::result::suite::SuiteResult;

#[test]
fn the_page_draws_filters_and_sorts_in_a_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = fs::read_to_string(root.join("tests/golden/suite.json")).expect("the golden file");
    let result: SuiteResult = serde_json::from_str(&golden).expect("a suite's result");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page.html");
    fs::write(&file, page(&result).expect("rendered")).expect("written");
    let python = root.join("tests/.venv/bin/python");
    let looked = Command::new(&python).arg(root.join("tests/page.py")).arg(&file).output();
    let looked = looked.unwrap_or_else(|error| panic!("{}: {error}; ./check.sh makes it", python.display()));
    let said = String::from_utf8_lossy(&looked.stderr);
    assert!(looked.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&looked.stdout), "11 charts, 14 rows\n", "{said}");
}
