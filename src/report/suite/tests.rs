#![allow(clippy::unwrap_used)]

use super::super::json;
use super::super::tests::golden;
use super::figures::{number, share, time};
use super::samples::{full, quick};
use super::{markdown, page, terminal};
use crate::result::suite::SuiteResult;

#[test]
fn reports_equal_their_golden_files() {
    for (name, result) in [("suite", full()), ("suite-quick", quick())] {
        golden(&format!("{name}.txt"), &terminal(&result));
        golden(&format!("{name}.md"), &markdown(&result));
    }
}

/// `tests/page.rs` makes its page from this file.
#[test]
fn the_result_equals_its_golden_file() {
    let written = json::render(&full()).unwrap();
    golden("suite.json", &written);
    assert_eq!(serde_json::from_str::<SuiteResult>(&written).unwrap(), full());
}

#[test]
fn figures_have_three_digits_and_their_unit() {
    let numbers =
        [(0.0, "0"), (0.1234, "0.123"), (9.996, "10.0"), (12.34, "12.3"), (99.96, "100"), (1_234_567.8, "1,234,568")];
    numbers.iter().for_each(|(n, want)| assert_eq!(number(*n), *want));
    let times = [(850.0, "0.850 µs"), (44.1e6, "44.1 ms"), (999_600.0, "1.00 ms"), (1.25e9, "1.25 s")];
    times.iter().for_each(|(ns, want)| assert_eq!(time(*ns), *want));
    let shares = [
        (0.0, "0"),
        (1e-6, "< 0.01 %"),
        (0.0012, "0.12 %"),
        (0.134, "13.4 %"),
        (0.9999, "100 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (0.1, "10 %"),
    ];
    shares.iter().for_each(|(part, want)| assert_eq!(share(*part), *want));
}

/// The text between `before` and `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

#[test]
fn the_page_asks_for_nothing_beside_itself() {
    let page = page(&full()).unwrap();
    assert!(page.len() < 500_000, "{}", page.len());
    for (at, _) in page.match_indices("://") {
        let scheme = page[..at].rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap();
        let (before, after) = (&page[..at - scheme.len()], &page[at..]);
        let loaded = ["src=", "href=", "url(", "import ", "fetch(", "open("]
            .iter()
            .any(|how| before.trim_end_matches(['"', '\'', '`', '(']).ends_with(how.trim_end_matches('(')));
        assert!(!loaded, "{}", &after[..60]);
    }
    for never in ["<link", "<img", "<iframe", "@import", "sourceMappingURL", "XMLHttpRequest", "WebSocket", "fetch("] {
        assert!(!page.contains(never), "{never}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn foreign_text_stays_text_in_the_page() {
    let mut result = full();
    result.rows[0].id.push_str("</script>\u{2028}<!--");
    let page = page(&result).unwrap();
    assert!(!page.contains("<b>&\"") && !page.contains("</script><b>") && !page.contains("<i>the</i>"));
    assert!(page.contains("odd&#60;b&#62;&#38;&#34;&#39;|name"));
    let data = between(&page, "<script type=\"application/json\" id=\"data\">", "</script>");
    assert!(!data.contains(['<', '\u{2028}']), "{data}");
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["bars"][0]["rows"][0]["id"], result.rows[0].id);
    assert_eq!(page.matches("<script").count(), page.matches("</script>").count());
}

#[test]
fn what_has_no_data_has_no_heading() {
    let (all, bare) = (page(&full()).unwrap(), page(&quick()).unwrap());
    for id in ["connections", "sweep", "statements", "not-run"] {
        let section = format!("<section id=\"{id}\">");
        assert!(all.contains(&section) && !bare.contains(&section), "{id}");
        let link = format!("href=\"#{id}\"");
        assert!(all.contains(&link) && !bare.contains(&link), "{id}");
    }
    assert!(bare.contains("Quick run.") && bare.contains("Interrupted.") && !all.contains("Quick run."));
}

#[test]
fn curves_come_from_all_samples_or_from_what_the_client_told() {
    let page = page(&full()).unwrap();
    let data = between(&page, "id=\"data\">", "</script>");
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let latency = data["latency"].as_array().unwrap();
    let names: Vec<&str> = latency.iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Tornado", "gevent", "Ceiling", "tornado_inc_load", "gevent_pure_wsgi:rates"]);
    let whole = latency[0]["curves"][0]["points"].as_array().unwrap();
    assert_eq!((whole.len(), whole[32][0].as_f64().unwrap()), (33, 10_000.0));
    let told = &latency[2]["curves"][1];
    assert_eq!(told["points"], serde_json::json!([[2.0, 0.24], [10.0, 0.39], [100.0, 0.9]]));
}
