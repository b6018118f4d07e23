#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::*;
use crate::report::json;
use crate::report::tests::golden;
use crate::result::bad_answers::BadAnswers;

fn side(name: &str) -> Side {
    Side { name: name.into(), observations: 8, length_s: 2.0, ..Side::default() }
}

fn difference(figure: &str, a: f64, b: f64, seen: bool) -> Difference {
    let (estimate, half) = (b - a, (b - a).abs() / 4.0);
    let shift = Shift {
        estimate,
        relative: (a > 0.0).then(|| estimate / a),
        low: estimate - half,
        high: estimate + half,
        p: 0.01,
        p_adjusted: 0.04,
    };
    Difference { figure: figure.into(), a, b, observations: [8, 8], shift: Some(shift), seen }
}

#[test]
fn comparisons_equal_their_golden_files() {
    let sound = Comparison {
        schema: 1,
        version: "0.1.0".into(),
        comparable: true,
        a: side("http://a:8080/"),
        b: side("http://b:8080/"),
        paired: true,
        differences: vec![
            difference("rate", 10_000.0, 12_500.0, true),
            difference("p50", 1e6, 8e5, true),
            difference("p90", 1e5, 2.3e6, false),
            difference("p99", 0.0, 3e6, false),
        ],
        ..Comparison::default()
    };
    let bad = BadAnswers { share: 0.6, failed: 0, status: BTreeMap::from([(500, 60)]), of: 100 };
    let mut unfit = sound.clone();
    unfit.comparable = false;
    unfit.because = vec![format!("B has {bad}")];
    unfit.b.errors = Some(bad);
    unfit.differences.iter_mut().for_each(|one| one.seen = false);
    unfit.notes.push("A was interrupted after 3.00s".into());
    golden("comparison.txt", &[&sound, &unfit].map(render).join("\n----\n\n"));
    golden("comparison.json", &json::render(&unfit).unwrap());
    assert_eq!(serde_json::from_str::<Comparison>(&json::render(&unfit).unwrap()).unwrap(), unfit);
}

#[test]
fn an_interrupted_comparison_says_what_is_compared() {
    let (mut some, mut none) = (Comparison { interrupted: true, ..Comparison::default() }, Comparison::default());
    (some.a, some.b) = (side("a"), side("b"));
    assert!(render(&some).contains("   Interrupted: whole rounds are compared.\n"));
    none.interrupted = true;
    assert!(render(&none).contains("   Interrupted: no round was whole, so nothing is compared.\n"));
}
