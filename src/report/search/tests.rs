#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::*;
use crate::report::tests::golden;
use crate::result::bad_answers::BadAnswers;
use crate::result::search::{Answer, Limit, Range};
use crate::result::unanswered::Unanswered;
use crate::result::{Clause, EndedEarly};

fn probe(load: f64, why: Why, held: bool) -> Probe {
    Probe {
        load,
        why,
        elapsed_s: 2.0,
        achieved_per_s: load.min(10_500.0),
        p50_ns: Some(120_000),
        p99_ns: Some(if held { 900_000 } else { 80_000_000 }),
        held,
        limit: (!held).then_some(Limit::Slo),
        clauses: vec![Clause {
            clause: "p99<5ms".into(),
            figure: if held { "0.90ms" } else { "80.00ms" }.into(),
            value: Some(if held { 9e5 } else { 8e7 }),
            held,
        }],
        speed: Some(0.98),
        ..Probe::default()
    }
}

fn errors(share: f64) -> Option<BadAnswers> {
    let bad = (20_000.0 * share) as u64;
    Some(BadAnswers { share, failed: 4, status: BTreeMap::from([(503, bad - 4)]), of: 20_000 })
}

fn text(search: &Search) -> String {
    let rows: String = search.probes.iter().map(|one| row(search.goal, one)).collect();
    head(search.goal, &search.url, &search.slo) + &rows + &tail(search)
}

fn base() -> Search {
    Search {
        schema: 1,
        version: "0.1.0".into(),
        command: vec!["saturing".into(), "search".into()],
        url: "http://localhost:8080/".into(),
        slo: "p99<5ms".into(),
        probes: vec![
            probe(10_000.0, Why::Range, true),
            Probe { errors: errors(0.012), ..probe(20_000.0, Why::Range, false) },
            Probe {
                disturbed: Some("a CPU of the client ran at 10% of its best speed".into()),
                speed: Some(0.1),
                ..probe(20_000.0, Why::Again, false)
            },
            probe(20_000.0, Why::Repeat, false),
        ],
        waited_s: 3.4,
        ..Search::default()
    }
}

#[test]
fn searches_equal_their_golden_files() {
    let settled = Search {
        settled: true,
        answer: Some(Answer { load: 10_000.0, beyond: Some(10_200.0), knee: Some(8_000.0), limit: Some(Limit::Slo) }),
        ..base()
    };
    let unsettled = Search { range: Some(Range { low: Some(10_000.0), high: Some(20_000.0) }), ..base() };
    let away = Search {
        range: Some(Range { low: Some(10_000.0), high: None }),
        ended_early: Some(EndedEarly { why: "127.0.0.1:8080 went away (connects: 9 refused)".into() }),
        ..base()
    };
    let of_errors = Probe { errors: errors(1.0), limit: Some(Limit::Errors), ..probe(1_000.0, Why::Range, false) };
    let in_vain = Search { probes: vec![of_errors.clone()], waited_s: 0.0, ..base() };
    let mut connections = Search { goal: Goal::Connections, slo: String::new(), ..settled.clone() };
    connections.probes =
        vec![Probe { limit: None, ..probe(8.0, Why::Range, true) }, Probe { load: 16.0, ..of_errors.clone() }];
    connections.answer = Some(Answer { load: 8.0, beyond: Some(10_500.0), knee: None, limit: None });
    let none = Unanswered { of: 300, timed_out: 64, unsent: 236, ..Unanswered::default() };
    let late = Unanswered { of: 20_000, timed_out: 4_000, waiting: 64, ..Unanswered::default() };
    let silent = Search {
        probes: vec![Probe { p50_ns: None, p99_ns: None, unanswered: Some(none), errors: None, ..of_errors.clone() }],
        ended_early: Some(EndedEarly { why: "at the first load, 1000/s, nothing was answered".into() }),
        ..in_vain.clone()
    };
    let failed = Some(BadAnswers { share: 0.2, failed: 4_000, status: BTreeMap::new(), of: 20_000 });
    let beyond = Probe { unanswered: Some(late), errors: failed, load: 10_200.0, ..of_errors.clone() };
    let late = Search { probes: vec![beyond.clone()], ..in_vain.clone() };
    let mut of_limit = Search { probes: vec![beyond], ..settled.clone() };
    of_limit.answer.as_mut().unwrap().limit = Some(Limit::Errors);
    let all =
        [&settled, &unsettled, &away, &in_vain, &connections, &silent, &late, &of_limit].map(text).join("\n----\n\n");
    golden("search.txt", &all);
    golden("search.json", &crate::report::json::render(&unsettled).unwrap());
    let read: Search = serde_json::from_str(&crate::report::json::render(&unsettled).unwrap()).unwrap();
    assert_eq!(read, unsettled);
}
