#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::{Value, json};

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

#[test]
fn keys_follow_the_schema_in_order() {
    let value = serde_json::to_value(samples::failing()).unwrap();
    assert_eq!(
        keys(&value).join(" "),
        "schema version command interrupted outcome target plan host engine elapsed_s requests rate bytes \
         status errors protocol_errors anomalies connections latency_ns service_ns send_lag_ns \
         connect_ns first_byte_ns client ring verdict slo warnings notes workers"
    );
    let table = [
        ("target", "url address addresses method"),
        ("requests", "sent completed failed discarded in_flight_at_end begun intended shed unsent sent_late"),
        ("rate", "offered_per_s achieved_per_s received_per_s"),
        ("errors", "reset eof_mid_response timeout protocol other"),
        ("anomalies", "excess_bytes reset_after_response close_unannounced"),
        (
            "connections",
            "requested established answered reconnects failed not_begun unfinished idle_closed down_ns completed",
        ),
        ("latency_ns", "kind count min mean stdev max within_stdev percentiles histogram"),
        ("connect_ns", "count min mean stdev max within_stdev percentiles histogram"),
        ("ring", "enters sqes cqes requests_per_enter cq_overflows recv_starved rearms"),
    ];
    for (part, names) in table {
        assert_eq!(keys(&value[part]).join(" "), names, "{part}");
    }
    assert_eq!(value["latency_ns"]["kind"], "response");
    assert_eq!(value["verdict"]["bound"], "offered");
    assert_eq!(keys(&value["status"]), ["200", "404", "503"]);
    assert_eq!(keys(&value["latency_ns"]["percentiles"]).join(" "), "50 75 90 95 99 99.9", "of 4990 samples");
}

#[test]
fn a_figure_not_taken_has_no_key() {
    let value = serde_json::to_value(RunResult::new()).unwrap();
    assert_eq!(value["schema"], 1);
    for absent in ["latency_ns", "service_ns", "client", "ring", "verdict"] {
        assert!(value.get(absent).is_none(), "{absent}");
    }
    let plan = "threads connections pipeline timeout_ms cpus";
    assert_eq!(keys(&value["plan"]).join(" "), plan);
    assert_eq!(keys(&value["rate"]), ["achieved_per_s"]);
}

#[test]
fn reading_back_gives_the_same_and_ignores_unknown_keys() {
    for (name, result) in samples::all() {
        let mut value = serde_json::to_value(&result).unwrap();
        value["later"] = json!({"figure": 1});
        value["requests"]["later"] = json!(2);
        let read: RunResult = serde_json::from_value(value).unwrap();
        assert_eq!(read, result, "{name}");
    }
}

#[test]
fn spread_of_samples() {
    assert_eq!(Spread::of(&[]), None);
    let table: [(&[f64], [f64; 4]); 3] = [
        (&[7.0], [7.0, 0.0, 7.0, 100.0]),
        (&[1.0, 3.0], [2.0, 2f64.sqrt(), 3.0, 100.0]),
        (&[0.0, 5.0, 5.0, 5.0, 10.0], [5.0, 12.5f64.sqrt(), 10.0, 60.0]),
    ];
    for (samples, [mean, stdev, max, within_stdev]) in table {
        let want = Spread { mean, stdev, max, within_stdev };
        assert_eq!(Spread::of(samples), Some(want));
    }
}
