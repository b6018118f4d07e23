#![allow(clippy::unwrap_used)]

mod goldens;
mod real;

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use super::*;

/// 10,000 GETs on 50 connections, in a folder of its own.
fn usual() -> Asked {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let out = env::temp_dir().join(format!("saturing-clients-{}-{number}", process::id()));
    fs::create_dir_all(&out).unwrap();
    Asked(Wanted {
        url: "http://127.0.0.1:8080/a?b=c".into(),
        method: "GET".into(),
        headers: Vec::new(),
        body: None,
        connections: 50,
        threads: 5,
        requests: Some(10_000),
        duration_s: None,
        rate_per_s: None,
        arrivals: None,
        warmup_s: 0.0,
        pipeline: 1,
        keepalive: true,
        timeout_s: 10.0,
        cpus: Vec::new(),
        locustfile: Some("locust/mix.py".into()),
        python: Some("/venv/bin/python".into()),
        saturing: "/bin/saturing".into(),
        out,
        expect_status: 200,
    })
}

/// Its folder goes with it.
struct Asked(Wanted);

impl Deref for Asked {
    type Target = Wanted;

    fn deref(&self) -> &Wanted {
        &self.0
    }
}

impl DerefMut for Asked {
    fn deref_mut(&mut self) -> &mut Wanted {
        &mut self.0
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.out);
    }
}

/// The command as a shell would show it, the folder as `OUT`.
fn shown(client: Client, wanted: &Wanted) -> Result<String, String> {
    let words = client.command(wanted)?;
    Ok(words.join(" ").replace(&wanted.out.display().to_string(), "OUT"))
}

#[test]
fn names_are_read_back() {
    for client in ALL {
        assert_eq!(Client::parse(client.name()), Some(client));
    }
    assert_eq!(Client::parse("ab"), None);
    assert_eq!(Client::Wrk.program(), Some("wrk"));
    assert_eq!(Client::Locust.program(), None);
    let like = if is_there(Path::new("weighttp")) { "weighttp" } else { "h2load" };
    assert_eq!(Client::WeighttpLike.program(), Some(like));
}

#[test]
fn a_plain_load_is_told_to_each() {
    let url = "http://127.0.0.1:8080/a?b=c";
    let table = [
        (
            Client::Saturing,
            "/bin/saturing -t 5 -c 50 -n 10000 -T 10000000us -m GET --interval 1h --json OUT/result.json \
             --hdr-log OUT/latency.hlog",
        ),
        (Client::Wrk, "wrk --latency -t5 -c50 -d5s --timeout=10s"),
        (Client::H2load, "h2load --h1 -t5 -c50 -n10000 -N 10000ms"),
        (Client::Weighttp, "weighttp -n 10000 -c 50 -t 5 -k"),
        (
            Client::Oha,
            "env TOKIO_WORKER_THREADS=5 oha --no-tui --output-format json --redirect 0 --disable-compression -c 50 -n 10000 \
             -t 10000ms -m GET",
        ),
    ];
    for (client, command) in table {
        assert_eq!(shown(client, &usual()), Ok(format!("{command} {url}")));
    }
    assert_eq!(
        shown(Client::Locust, &usual()).unwrap(),
        "/venv/bin/python -m locust --headless --json --only-summary --exit-code-on-error 0 -f locust/mix.py \
         --host http://127.0.0.1:8080 -u 50 -r 50 --run-time 5s"
    );
}

#[test]
fn whatever_can_be_said_is() {
    let mut wanted = usual();
    (wanted.requests, wanted.duration_s, wanted.warmup_s) = (None, Some(1.5), 0.25);
    (wanted.connections, wanted.cpus, wanted.keepalive) = (2, vec![1, 3], false);
    (wanted.timeout_s, wanted.headers) = (0.5, vec!["A: b".into()]);
    (wanted.method, wanted.body) = ("PUT".into(), Some("@\"x\n".into()));
    let url = "http://127.0.0.1:8080/a?b=c";
    let table = [
        (
            Client::Saturing,
            "/bin/saturing -t 2 -c 2 --cpus 1,3 -d 1500000us --warmup 250000us -T 500000us --no-keepalive -m PUT -H A: b \
             -b @OUT/body --interval 1h --json OUT/result.json --hdr-log OUT/latency.hlog",
        ),
        (
            Client::Wrk,
            "taskset -c 1,3 wrk --latency -t2 -c2 -d2s --timeout=1s -H A: b -H Connection: close -s OUT/wrk.lua",
        ),
        (
            Client::H2load,
            "taskset -c 1,3 h2load --h1 -t2 -c2 -D 1500ms --warm-up-time=250ms -N 500ms -H A: b -H Connection: close \
             -H :method: PUT -d OUT/body",
        ),
        (
            Client::Oha,
            "taskset -c 1,3 env TOKIO_WORKER_THREADS=2 oha --no-tui --output-format json --redirect 0 --disable-compression -c 2 \
             -z 1500ms --disable-keepalive -t 500ms -m PUT -H A: b -D OUT/body",
        ),
    ];
    for (client, command) in table {
        assert_eq!(shown(client, &wanted), Ok(format!("{command} {url}")));
    }
    assert_eq!(fs::read_to_string(wanted.out.join("body")).unwrap(), "@\"x\n");
    let script = fs::read_to_string(wanted.out.join("wrk.lua")).unwrap();
    assert_eq!(script, "wrk.method = \"PUT\"\nwrk.body = \"@\\034x\\010\"\n");
}

#[test]
fn an_open_loop_is_told_to_those_who_know_one() {
    let mut wanted = usual();
    (wanted.rate_per_s, wanted.arrivals) = (Some(400.0), Some("poisson".into()));
    assert!(shown(Client::Saturing, &wanted).unwrap().contains(" -R 400 --arrivals poisson "));
    assert_eq!(shown(Client::Oha, &wanted).unwrap_err(), "oha spaces requests of a rate evenly only");
    wanted.arrivals = Some("constant".into());
    assert!(shown(Client::Oha, &wanted).unwrap().contains(" -q 400 --latency-correction "));
    wanted.rate_per_s = Some(0.5);
    assert_eq!(shown(Client::Oha, &wanted).unwrap_err(), "oha takes whole rates only, not 0.5");
    for client in [Client::Wrk, Client::H2load, Client::Weighttp, Client::Locust] {
        let refused = shown(client, &wanted).unwrap_err();
        assert_eq!(refused, format!("{} cannot hold a rate over all connections", client.name()));
    }
}

#[test]
fn what_a_client_cannot_do_is_said() {
    type Ask = fn(&mut Wanted);
    let table: [(Client, Ask, &str); 9] = [
        (Client::Wrk, |w| w.pipeline = 2, "wrk sends one request at a time on a connection"),
        (Client::Oha, |w| w.pipeline = 2, "oha sends one request at a time on a connection"),
        (
            Client::H2load,
            |w| (w.pipeline, w.body) = (2, Some("x".into())),
            "h2load with a body sends one request at a time on a connection",
        ),
        (Client::H2load, |w| w.requests = Some(49), "h2load cannot send 49 requests on 50 connections"),
        (Client::Weighttp, |w| (w.requests, w.duration_s) = (None, Some(1.0)), "weighttp stops by count, not by time"),
        (Client::Weighttp, |w| w.method = "DELETE".into(), "weighttp sends nothing but GET"),
        (Client::Weighttp, |w| w.body = Some("x".into()), "weighttp sends nothing but GET"),
        (Client::Locust, |w| w.locustfile = None, "locust needs a `locustfile` in its load"),
        (Client::Locust, |w| w.python = None, "locust needs a Python environment: bench/setup.sh makes it"),
    ];
    for (client, ask, says) in table {
        let mut wanted = usual();
        ask(&mut wanted);
        assert_eq!(shown(client, &wanted).unwrap_err(), says);
    }
}

#[test]
fn units_are_read() {
    let times =
        [("21us", 21e3), ("0.00us", 0.0), ("10.31ms", 10.31e6), ("1.20s", 1.2e9), ("1.50m", 90e9), ("2.00h", 7.2e12)];
    for (text, ns) in times {
        assert_eq!(figures::time_ns(text).map(f64::round), Some(ns), "{text}");
    }
    let sizes =
        [("0B", 0), ("442B", 442), ("1.5KB", 1536), ("15.77MB", 16_536_044), ("2.00GB", 2 << 30), ("1.00TB", 1 << 40)];
    for (text, bytes) in sizes {
        assert_eq!(figures::bytes(text).map(|size| size.round() as u64), Some(bytes), "{text}");
    }
    for text in ["", "ms", "1", "-1ms", "-nan%", "nanus", "infs", "1.2.3s", "1 s", "3q"] {
        assert_eq!(figures::time_ns(text), None, "{text}");
        assert_eq!(figures::bytes(text), None, "{text}");
    }
}
