//! What the programs printed, once; wrk 4.1.0, h2load 1.52.0, oha 1.15.0, locust 2.47.0. weighttp's is from its source.

use super::*;

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/clients/", $name))
    };
}

const WEIGHTTP: &str = "weighttp 0.4 - a lightweight and simple webserver benchmarking tool

starting benchmark...
spawning thread #1: 20 concurrent requests, 10000 total requests
progress: 100% done

finished in 1 sec, 250 millisec and 500 microsec, 7996 req/s, 1016 kbyte/s
requests: 10000 total, 10000 started, 10000 done, 9990 succeeded, 10 failed, 3 errored
status codes: 9990 2xx, 0 3xx, 0 4xx, 7 5xx
traffic: 1330000 bytes total, 850000 bytes http, 130000 bytes data
";

/// Requests completed, failed, still in flight; answers with the expected status; completed per second, to a whole one.
fn outcome(client: Client, stdout: &str) -> (u64, u64, u64, u64, u64) {
    let result = client.read(&usual(), stdout).unwrap();
    let requests = result.requests;
    assert_eq!(requests.sent, requests.completed + requests.failed + requests.in_flight_at_end);
    assert_eq!(requests.failed, result.errors.total());
    assert_eq!(result.engine.name, client.name());
    assert!(!result.command.is_empty());
    let expected = result.status.get(&200).copied().unwrap_or(0);
    let rate = result.rate.achieved_per_s.round() as u64;
    (requests.completed, requests.failed, requests.in_flight_at_end, expected, rate)
}

#[test]
fn outcomes_are_read() {
    let table = [
        ("wrk", Client::Wrk, golden!("wrk.txt"), (124_308, 0, 0, 124_308, 62_042)),
        ("wrk, slow", Client::Wrk, golden!("wrk-slow.txt"), (10, 0, 0, 10, 3)),
        ("wrk, late answers", Client::Wrk, golden!("wrk-timeouts.txt"), (0, 10, 0, 0, 0)),
        ("wrk, 404", Client::Wrk, golden!("wrk-404.txt"), (1_443, 0, 0, 0, 1_311)),
        ("h2load", Client::H2load, golden!("h2load.txt"), (2_000, 0, 0, 2_000, 23_708)),
        ("h2load, by time", Client::H2load, golden!("h2load-time.txt"), (86_307, 0, 0, 86_307, 43_154)),
        ("h2load, 404", Client::H2load, golden!("h2load-404.txt"), (50, 0, 0, 0, 1_105)),
        ("h2load, timeouts", Client::H2load, golden!("h2load-timeouts.txt"), (0, 20, 0, 0, 0)),
        ("h2load, refused", Client::H2load, golden!("h2load-refused.txt"), (0, 50, 0, 0, 0)),
        ("weighttp", Client::Weighttp, WEIGHTTP, (9_997, 3, 0, 9_990, 7_994)),
        ("oha", Client::Oha, golden!("oha.json"), (12_761, 0, 10, 12_761, 25_395)),
        ("oha, timeouts", Client::Oha, golden!("oha-timeouts.json"), (0, 20, 0, 0, 0)),
        ("oha, refused", Client::Oha, golden!("oha-refused.json"), (0, 20, 0, 0, 0)),
        ("locust", Client::Locust, golden!("locust.json"), (196, 62, 0, 196, 123)),
    ];
    for (name, client, stdout, expected) in table {
        assert_eq!(outcome(client, stdout), expected, "{name}");
    }
}

#[test]
fn the_expected_status_decides_what_counts() {
    let mut wanted = usual();
    wanted.expect_status = 404;
    for (client, stdout, count) in
        [(Client::Wrk, golden!("wrk-404.txt"), 1_443), (Client::H2load, golden!("h2load-404.txt"), 50)]
    {
        let result = client.read(&wanted, stdout).unwrap();
        assert_eq!(result.status, [(404, count)].into(), "{client:?}");
        let told = client.read(&usual(), stdout).unwrap().notes.join("\n");
        assert!(told.contains(&format!("{count} answers had another status than 200")), "{told}");
    }
}

/// Least, mean, most; percentiles 50, 75, 90, 95, 99, 99.9, or 0 where one is not told: nanoseconds.
fn times(client: Client, stdout: &str) -> Option<([u64; 3], [u64; 6])> {
    let summary = client.read(&usual(), stdout).unwrap().latency_ns?;
    let Percentiles { p50, p75, p90, p95, p99, p99_9, .. } = summary.percentiles;
    let told = [p50, p75, p90, p95, p99, p99_9].map(|ns| ns.unwrap_or(0));
    Some(([summary.min, summary.mean.round() as u64, summary.max], told))
}

#[test]
fn times_are_read_in_all_units() {
    let (us, ms, s) = (1_000, 1_000_000, 1_000_000_000);
    let wrk = ([0, 1_110 * us, 23_880 * us], [62 * us, 1_090 * us, 3_710 * us, 0, 10_510 * us, 0]);
    assert_eq!(times(Client::Wrk, golden!("wrk.txt")), Some(wrk));
    let p = 1_200 * ms;
    assert_eq!(times(Client::Wrk, golden!("wrk-slow.txt")), Some(([0, p, p], [p, p, p, 0, p, 0])));
    assert_eq!(times(Client::H2load, golden!("h2load.txt")), Some(([21 * us, 310 * us, 10_310 * us], [0; 6])));
    let oha = ([107_019, 381_410, 2_057_929], [361_477, 407_936, 469_267, 521_125, 632_210, 1_374_392]);
    assert_eq!(times(Client::Oha, golden!("oha.json")), Some(oha));
    let (extremes, percentiles) = times(Client::Locust, golden!("locust.json")).unwrap();
    assert_eq!(extremes, [1_007_407, 6_774_786, 69_862_612]);
    assert_eq!(percentiles.map(|ns| (ns + ms / 2) / ms), [5, 9, 12, 16, 38, 0], "fewer than 1,000 answers");
    for (client, nothing) in [
        (Client::Wrk, golden!("wrk-timeouts.txt")),
        (Client::H2load, golden!("h2load-refused.txt")),
        (Client::Oha, golden!("oha-timeouts.json")),
        (Client::Weighttp, WEIGHTTP),
        (Client::Locust, "[]"),
    ] {
        assert_eq!(times(client, nothing), None, "{client:?}");
    }
    assert!(extremes[2] < s);
}

#[test]
fn failures_are_told_by_cause() {
    let errors = |client: Client, stdout: &str| client.read(&usual(), stdout).unwrap().errors;
    assert_eq!(errors(Client::Wrk, golden!("wrk-timeouts.txt")).timeout, 10);
    assert_eq!(errors(Client::H2load, golden!("h2load-timeouts.txt")).timeout, 5);
    assert_eq!(errors(Client::H2load, golden!("h2load-timeouts.txt")).other, 15);
    assert_eq!(errors(Client::Oha, golden!("oha-timeouts.json")).timeout, 20);
    assert_eq!(errors(Client::Oha, golden!("oha-refused.json")).other, 20);
    assert_eq!(errors(Client::Locust, golden!("locust.json")).other, 62);
    let line = "Socket errors: connect 3, read 20, write 1, timeout 0";
    let broken = golden!("wrk-timeouts.txt").replace("Socket errors: connect 0, read 0, write 0, timeout 10", line);
    let result = Client::Wrk.read(&usual(), &broken).unwrap();
    assert_eq!((result.errors.other, result.connections.failed.other, result.requests.completed), (21, 3, 10));
}

#[test]
fn bytes_are_read() {
    let bytes = |client: Client, stdout: &str| client.read(&usual(), stdout).unwrap().bytes;
    assert_eq!(bytes(Client::Wrk, golden!("wrk.txt")).received, 16_536_043);
    let h2load = bytes(Client::H2load, golden!("h2load.txt"));
    assert_eq!((h2load.received, h2load.body), (266_000, 26_000));
    let weighttp = bytes(Client::Weighttp, WEIGHTTP);
    assert_eq!((weighttp.received, weighttp.body), (1_330_000, 130_000));
    assert_eq!(bytes(Client::Oha, golden!("oha.json")).body, 165_893);
    assert_eq!(bytes(Client::Locust, golden!("locust.json")).body, 186_186);
}

#[test]
fn what_was_done_otherwise_is_noted() {
    let notes = |wanted: &Wanted| Client::Wrk.read(wanted, golden!("wrk.txt")).unwrap().notes;
    assert_eq!(notes(&usual())[0], "wrk stops by time: 5 s in place of 10000 requests");
    let mut wanted = usual();
    (wanted.requests, wanted.duration_s, wanted.warmup_s) = (None, Some(0.5), 0.1);
    assert_eq!(
        notes(&wanted)[..2],
        ["wrk takes whole seconds only: 1 s in place of 0.5 s", "wrk has no warm-up here: 0.1 s of it were left out"]
    );
    let result = Client::WeighttpLike.read(&usual(), golden!("h2load.txt"));
    if !is_there(Path::new("weighttp")) {
        let result = result.unwrap();
        assert_eq!(result.engine.name, "h2load");
        assert_eq!(result.notes.last().unwrap(), "h2load in place of weighttp, which is not installed");
    }
}

/// No panic and no figures, whatever comes; the error names the client and shows what it said.
#[test]
fn garbage_is_one_clear_error() {
    let clients = [Client::Wrk, Client::H2load, Client::Weighttp, Client::Oha, Client::Locust];
    for client in clients {
        for garbage in ["", "unable to connect", "{}", "[{}]", "1 requests in 1.00s, 1B read", "requests: 1 total"] {
            let error = client.read(&usual(), garbage).unwrap_err();
            assert!(error.starts_with(&format!("{}'s output: ", client.name())), "{error}");
            assert!(error.contains(&format!("{garbage:?}")), "{error}");
        }
    }
    let error = Client::Saturing.read(&usual(), "").unwrap_err();
    assert!(error.contains("result.json: "), "{error}");
    let wanted = usual();
    wanted.file("result.json", "{\"schema\": 1").unwrap();
    let error = Client::Saturing.read(&wanted, "").unwrap_err();
    assert!(error.contains("result.json is no result of a run: "), "{error}");
}

/// An output cut off anywhere is an error, or has the figures of the whole: none is made up.
#[test]
fn a_cut_output_is_an_error() {
    for (client, whole) in [
        (Client::Wrk, golden!("wrk.txt")),
        (Client::H2load, golden!("h2load.txt")),
        (Client::Oha, golden!("oha.json")),
        (Client::Locust, golden!("locust.json")),
    ] {
        let expected = outcome(client, whole);
        let lines: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at).collect();
        for end in &lines[..lines.len() / 2] {
            assert!(client.read(&usual(), &whole[..*end]).is_err(), "{client:?}: {}", &whole[..*end]);
        }
        for end in &lines[lines.len() / 2..] {
            if client.read(&usual(), &whole[..*end]).is_ok() {
                assert_eq!(outcome(client, &whole[..*end]), expected);
            }
        }
    }
}
