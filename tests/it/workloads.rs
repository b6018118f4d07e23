//! Lists, mixes and placeholders against servers that count what they read, by path and by number.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal;
use saturing::result::{Outcome, RunResult};

use crate::support::process::{Folder, until};
use crate::support::saturing::{Running, Serve, command, load, run};
use crate::support::scripted::{Peer, Server, serve};

/// Requests by their first line.
type Seen = Arc<Mutex<BTreeMap<String, u64>>>;

/// A server that keeps what was asked for and answers as `answer` says; `None`: it resets the connection.
fn counting(answer: impl Fn(&Peer) -> Option<String> + Send + Sync + 'static) -> (Server, Seen) {
    let seen = Seen::default();
    let here = Arc::clone(&seen);
    let server = serve(move |peer: &mut Peer| -> io::Result<()> {
        while peer.request()? {
            let line = peer.last.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
            *here.lock().expect("no panic").entry(line).or_default() += 1;
            let Some(answer) = answer(peer) else { return peer.will_reset() };
            peer.answer(answer.as_bytes())?;
            if peer.asked_to_close {
                return peer.close();
            }
        }
        Ok(())
    });
    (server, seen)
}

fn hello(_: &Peer) -> Option<String> {
    Some("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!".into())
}

fn by_name(result: &RunResult) -> BTreeMap<String, u64> {
    result.mix.iter().map(|kind| (kind.name.clone(), kind.requests.sent)).collect()
}

fn taken(seen: &Seen) -> BTreeMap<String, u64> {
    seen.lock().expect("no panic").clone()
}

#[test]
fn shares_are_exact_to_the_request_over_two_workers() {
    let (server, seen) = counting(hello);
    let address = server.address;
    let urls: Vec<String> = ["a", "b", "a", "c", "a", "b", "d"].map(|path| format!("{address}/{path}")).to_vec();
    let count = 100_003;
    let args = ["-t", "2", "-c", "9", "-n", "100003", "--json", "-"].map(str::to_owned);
    let ended = run(&[args.as_slice(), &urls].concat());
    let result: RunResult = serde_json::from_str(&ended.stdout).expect(&ended.stderr);
    assert_eq!((result.requests.completed, result.outcome), (count, Outcome::Ok));
    server.stop();
    let served = taken(&seen);
    assert_eq!(by_name(&result), served);
    for (name, weight) in [("GET /a", 3), ("GET /b", 2), ("GET /c", 1), ("GET /d", 1)] {
        let exact = count as f64 * f64::from(weight) / 7.0;
        assert!((served[name] as f64 - exact).abs() <= 2.0, "{name}: {} and {exact}", served[name]);
    }
}

#[test]
fn the_built_in_server_answers_and_counts_by_route() {
    let folder = Folder::new();
    let text = r#"
        [[route]]
        method = "GET"
        path = "/"
        body = "home"
        [[route]]
        path = "/items/*"
        status = 201
        headers = { X-Kind = "item" }
        body_bytes = 100000
        [[route]]
        path = "/slow"
        delay = "5ms"
    "#;
    let list = folder.write(
        "list",
        "GET /\n\nPOST /items/{RAND:1:9}\nTransfer-Encoding: chunked\n  abc\n\nHEAD /\n\nGET /nowhere\n",
    );
    let slow = folder.write("slow", "GET /\n\nGET /slow\n");
    for (text, list, count) in
        [(text.split("[[route]]\n        path = \"/slow\"").next().expect("one"), list, 4_000), (text, slow, 40)]
    {
        let routes = folder.write("routes.toml", text).display().to_string();
        let server = Serve::start(&["--routes", &routes]);
        let result = load(server.address, &format!("-t 1 -c 4 -p 4 -n {count} -i {}", list.display()));
        assert_eq!((result.requests.completed, result.errors.total()), (count, 0));
        let words = server.last_words();
        let served: Vec<u64> = words.lines().skip(1).filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        match count {
            4_000 => {
                assert_eq!(served, [2_000, 1_000, 1_000], "{words}");
                let item = result.kind("POST /items/{RAND:1:9}").expect("a row");
                assert_eq!((item.status[&201], item.bytes.body), (1_000, 100_000_000));
                assert_eq!(result.kind("GET /nowhere").map(|kind| kind.status[&404]), Some(1_000));
            }
            _ => {
                assert_eq!(served, [20, 0, 20, 0], "{words}");
                let fastest = result.kind("GET /slow").and_then(|kind| Some(kind.latency_ns.as_ref()?.min));
                assert!(fastest >= Some(5_000_000), "{fastest:?}");
            }
        }
    }
    let wrong = folder.write("wrong.toml", "[[route]]\npath = \"x\"\n").display().to_string();
    let ended = run(&["serve", "--routes", &wrong]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--routes: route 1 (x): path must begin with /"), "{}", ended.stderr);
}

#[test]
fn several_urls_go_out_in_turn_on_each_connection() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let here = Arc::clone(&order);
    let (server, _) = counting(move |peer| {
        here.lock().expect("no panic").push(peer.last.split(' ').nth(1).unwrap_or_default().to_owned());
        hello(peer)
    });
    let urls = ["/1", "/2", "/3"].map(|path| format!("http://{}{path}", server.address));
    let ended = run(&[&["-c1", "-n7", "-t1"].map(str::to_owned)[..], &urls].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(*order.lock().expect("no panic"), ["/1", "/2", "/3", "/1", "/2", "/3", "/1"]);
    server.stop();
}

#[test]
fn no_number_comes_twice_and_none_is_missing_under_reconnects() {
    let folder = Folder::new();
    let list =
        folder.write("list", "GET /n?{SEQ:00000001}\n\nPOST /m\nX-Number: {SEQ:00000001}\n  {\"n\":{SEQ:00000001}}\n");
    let numbers = Arc::new(Mutex::new(Vec::new()));
    let here = Arc::clone(&numbers);
    let (server, _) = counting(move |peer| {
        let all: Vec<u64> = peer
            .last
            .split(|c: char| !c.is_ascii_digit())
            .filter(|digits| digits.len() == 8)
            .map(|digits| digits.parse().expect("digits"))
            .collect();
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "one number in a request: {all:?}");
        here.lock().expect("no panic").push(all[0]);
        hello(peer)
    });
    let options = format!("-t 2 -c 6 -p 4 -n 20000 --requests-per-connection 50 -i {}", list.display());
    let result = load(server.address, &options);
    assert_eq!((result.requests.completed, result.requests.discarded), (20_000, 0));
    server.stop();
    let mut numbers = numbers.lock().expect("no panic").clone();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20_000).collect::<Vec<_>>());
}

#[test]
fn numbers_stay_unique_where_connections_are_reset() {
    let folder = Folder::new();
    let list = folder.write("list", "/n?{SEQ:000001}\n");
    let (server, seen) = counting(|peer| hello(peer).filter(|_| peer.requests_so_far() % 50 != 0));
    let result = load(server.address, &format!("-t 2 -c 8 -n 5000 -i {}", list.display()));
    server.stop();
    let seen = taken(&seen);
    let cut_off = result.errors.reset + result.anomalies.reset_after_response;
    assert!(cut_off > 0 && seen.values().all(|count| *count == 1), "{:?}", result.errors);
    let highest = seen.keys().map(|line| line[line.len() - 6..].parse::<u64>().expect("digits")).max();
    assert!(highest <= Some(result.requests.sent), "{highest:?}");
}

#[test]
fn answers_are_framed_by_their_own_requests_methods() {
    let folder = Folder::new();
    let files = [
        ("get", "GET /get HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("head", "HEAD /head HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("post", "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
        ("none", "GET /none HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("chunks", "GET /chunks?{RAND:1:9} HTTP/1.1\r\nHost: x\r\n\r\n"),
    ];
    let paths = files.map(|(name, text)| folder.write(name, text).display().to_string());
    let (server, seen) = counting(|peer| {
        Some(match peer.last.split(['?', ' ']).nth(1).unwrap_or_default() {
            "/head" => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".into(),
            "/none" => "HTTP/1.1 204 No Content\r\n\r\n".into(),
            "/chunks" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\n\r\n".into(),
            "/post" => "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nabc".into(),
            _ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into(),
        })
    });
    // The second file twice.
    let raw = format!("{},{}", paths.join(","), paths[1]);
    let result = load(server.address, &format!("-t 1 -c 5 -p 16 -n 6000 --raw {raw}"));
    server.stop();
    assert_eq!((result.requests.completed, result.errors.total()), (6_000, 0), "{:?}", result.protocol_errors);
    let of = |name: &str| result.kind(name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!((of("head").weight, of("head").requests.completed, of("head").bytes.body), (2, 2_000, 0));
    assert_eq!((of("post").status[&201], of("post").bytes.body), (1_000, 3_000));
    assert_eq!((of("none").status[&204], of("chunks").bytes.body), (1_000, 4_000));
    let chunks: u64 =
        taken(&seen).iter().filter(|(line, _)| line.starts_with("GET /chunks?")).map(|(_, count)| count).sum();
    assert_eq!(chunks, 1_000);
}

#[test]
fn raw_requests_end_their_connection_when_they_have_been_answered() {
    let folder = Folder::new();
    let raw = folder.write("raw", "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let (server, _) = counting(hello);
    let result =
        load(server.address, &format!("-t 1 -c 4 -n 400 --requests-per-connection 10 --raw {}", raw.display()));
    let counts = server.stop();
    assert_eq!((result.requests.completed, counts.requests), (400, 400));
    // Those opened last may find that nothing is left to be asked.
    assert!((40..=44).contains(&counts.connections), "{}", counts.connections);
}

#[test]
fn a_length_that_contradicts_its_body_is_a_warning() {
    let folder = Folder::new();
    let raw = folder.write("raw", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n\r\n");
    let (server, _) = counting(hello);
    let result = load(server.address, &format!("-t 1 -c 1 -n 1 --raw {}", raw.display()));
    server.stop();
    let warned = |warning: &&String| {
        warning.ends_with("has a Content-Length of 0 and 2 bytes behind its head; it is sent as it is")
    };
    assert!(result.warnings.iter().any(|warning| warned(&warning)), "{:?}", result.warnings);
}

#[test]
fn an_answer_that_differs_has_failed_and_is_kept() {
    let folder = Folder::new();
    let list = folder.write("list", "/right\n\nGET /status\nexpect: 201\n\nGET /body\nexpect-body: other\n");
    let (server, _) = counting(hello);
    let options = format!("-t 1 -c 2 -n 300 --by-path --expect-status 2xx -i {}", list.display());
    let result = load(server.address, &options);
    server.stop();
    assert_eq!((result.requests.completed, result.errors.check, result.errors.total()), (100, 200, 200));
    assert_eq!((result.connections.reconnects, result.outcome), (0, Outcome::Ok));
    assert_eq!(result.differing.len(), 3);
    for one in &result.differing {
        assert_eq!((one.status, one.body.as_str(), one.body_bytes), (200, "Hello, World!", 13));
        assert!(["GET /status", "GET /body"].contains(&one.name.as_str()), "{one:?}");
    }
    let failed = |name: &str| result.kind(name).expect(name).requests.failed;
    assert_eq!([failed("GET /right"), failed("GET /status"), failed("GET /body")], [0, 100, 100]);
}

#[test]
fn an_error_that_is_expected_is_none() {
    let folder = Folder::new();
    let list =
        folder.write("list", "# name: lost\nGET /bad\nexpect: 404\n\n# name: found\nGET /ok\n").display().to_string();
    let (server, _) = counting(|peer| {
        let status = if peer.last.starts_with("GET /bad ") { "404 Not Found" } else { "200 OK" };
        Some(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))
    });
    let address = server.address.to_string();
    let line = ["-n", "400", "-c", "2", "-i", &list, "--slo", "errors<=0%,errors[lost]<=0%", "--json", "-", &address];
    let ended = run(&line);
    let result = ended.result();
    assert_eq!((ended.code, result.status.get(&404), result.expected_status.get(&404)), (0, Some(&200), Some(&200)));
    assert!(!result.warnings.iter().any(|warning| warning.contains("are errors")), "{:?}", result.warnings);
    // The same where nobody expects it.
    let unexpected = folder.write("other", "# name: lost\nGET /bad\n\n# name: found\nGET /ok\n").display().to_string();
    let ended = run(&["-n", "400", "-c", "2", "-i", &unexpected, "--slo", "errors[lost]<=0%", "--json", "-", &address]);
    assert_eq!((ended.code, ended.result().expected_status.len()), (3, 0), "{}", ended.stderr);
    server.stop();
}

#[test]
fn where_no_answer_is_as_expected_the_run_has_failed() {
    let server = Serve::start(&[]);
    let address = server.address.to_string();
    let ended = run(&["-n", "20", "-c", "2", "--expect-status", "404", &address]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("not one answer was as expected: 20 differed; the first had status 200"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("  Failed        not one answer was as expected"), "{}", ended.stdout);
}

#[test]
fn limits_of_a_kind_are_its_own() {
    let server = Serve::start(&[]);
    let address = server.address;
    let folder = Folder::new();
    let list = folder.write("list", "# name: good\n/a\n# name: bad\nGET /b\nexpect: 500\n").display().to_string();
    let go = |slo: &str| run(&["-n", "200", "-c", "2", "-i", &list, "--slo", slo, &address.to_string()]);
    assert_eq!(go("errors[good]<=0%,p50[good]<1m").code, 0);
    let breached = go("errors[bad]<=0%,errors[good]<=0%");
    assert_eq!(breached.code, 3, "{}", breached.stdout);
    assert!(breached.stdout.contains("BREACHED  errors[bad]<=0%"), "{}", breached.stdout);
    let unknown = go("p99[god]<5ms");
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
    assert!(
        unknown.stderr.contains("--slo: must name one of the 2 kinds of request, as in [good], got p99[god]<5ms"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn bodies_and_placeholders_of_the_command_line() {
    let folder = Folder::new();
    let lines = folder.write("lines", "{\"a\":1}\r\n\n{\"a\":22}\n");
    let (server, _) = counting(|peer| {
        let body = peer.last.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
        Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    });
    let address = server.address.to_string();
    let result = load(server.address, &format!("-t 1 -c 1 -n 10 --body-lines {}", lines.display()));
    assert_eq!((result.bytes.body, result.mix.len(), result.target.method.as_str()), (5 * 7 + 5 * 8, 0, "POST"));
    let url = format!("{address}/{{RAND:10:99}}?{{UUID}}");
    let header = "X-Time: {NOW_MS}";
    let ended = run(&["-n1", "-c1", "--placeholders", "-H", header, "-b", "<{SEQ:007}>", "--seq-skip", "5", &url]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let last = server.last_request();
    assert!(last.ends_with("Content-Length: 5\r\n\r\n<012>"), "{last}");
    let time = last.split("X-Time: ").nth(1).and_then(|rest| rest.lines().next()).expect("the header");
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as u64;
    assert!(time.parse::<u64>().is_ok_and(|time| now.abs_diff(time) < 3_600_000), "{time} and {now}");
    server.stop();
}

#[test]
fn what_was_measured_by_kind_survives_a_signal() {
    let server = Serve::start(&[]);
    let folder = Folder::new();
    let (json, csv) = (folder.path("out.json"), folder.path("out.csv"));
    let url = format!("http://{}", server.address);
    let outputs = [format!("--json={}", json.display()), format!("--csv={}", csv.display())];
    let urls = [format!("{url}/a"), format!("{url}/b")];
    let all = [&["-d1h", "-c4", "-p4", "-t2"].map(str::to_owned)[..], &outputs, &urls].concat();
    let mut running = Running::start(&all);
    running.until_it_says("");
    until("some load", || (server_requests(&url) > 0).then_some(()));
    running.signal(Signal::SIGINT);
    assert_eq!(running.wait().code, 130);
    let result: RunResult = serde_json::from_str(&folder.read("out.json")).expect("a result");
    assert_eq!((result.mix.len(), result.outcome), (2, Outcome::Interrupted));
    let (served, _) = server.stop();
    let sent: u64 = result.mix.iter().map(|kind| kind.requests.sent).sum();
    assert!(served >= sent, "{served} and {sent}");
    let rows = folder.read("out.csv");
    assert!(rows.contains("\nrequest GET /a,") && rows.contains("\nrequest GET /b,"), "{rows}");
}

/// One more request, to see that the server is at work.
fn server_requests(url: &str) -> u64 {
    let ended = run(&["-n1", "-c1", url]);
    u64::from(ended.code == 0)
}

#[test]
fn bad_input_is_told_in_one_line_before_anything_is_sent() {
    let folder = Folder::new();
    let list = folder.write("list", "/a\nGET /b\nX: {RANDOM:1:2}\n").display().to_string();
    let empty = folder.write("empty", "# nothing\n").display().to_string();
    for (args, message) in [
        (vec!["-i", &list, "h"], format!("--input: {list}, line 3, column 4: a placeholder is")),
        (vec!["-i", &empty, "h"], format!("--input: must have a request in it, got {empty}")),
        (vec!["-i", "/no/such/file", "h"], "--input: cannot be read (No such file or directory".to_owned()),
        (vec!["-i", "/", "h"], "--input: cannot be read (Is a directory".to_owned()),
        (vec!["--raw", &empty, "--input", &list], "--raw: cannot be used with --input".to_owned()),
        (
            vec!["--raw", &list, "-b", "x", "h"],
            "--body: cannot be used with --raw: its files are sent as they are".to_owned(),
        ),
        (vec!["h:1/a", "h:2/b"], "URL: must all be of one origin, here http://h:1, got http://h:2/b".to_owned()),
        (vec!["--order", "random", "h"], "--order: needs a list of requests".to_owned()),
        (vec!["--order", "sideways", "-i", &list], "--order: must be turn or random, got sideways".to_owned()),
        (vec!["--seed", "3", "h"], "--seed: needs what is drawn from it".to_owned()),
        (vec!["--expect-status", "20x", "h"], "--expect-status: must be status codes".to_owned()),
        (
            vec!["--placeholders", "-n", "20", "127.0.0.1:9/{SEQ:9}"],
            "{SEQ:start}: numbers go from 9 to 28 in this run, which takes 2 digits: write it with so many, as in {SEQ:09}, got \"1 digit\"".to_owned(),
        ),
    ] {
        let ended = run(&args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(&message), "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn connections_end_by_a_reset_under_every_engine() {
    let resets = Arc::new(Mutex::new(0));
    let here = Arc::clone(&resets);
    let server = serve(move |peer: &mut Peer| -> io::Result<()> {
        loop {
            match peer.request() {
                Ok(true) => peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?,
                Ok(false) => return Ok(()),
                Err(error) => {
                    *here.lock().expect("no panic") += u64::from(error.kind() == io::ErrorKind::ConnectionReset);
                    return Err(error);
                }
            }
            assert!(!peer.asked_to_close, "nobody asks the server to close");
        }
    });
    let url = format!("http://{}/", server.address);
    for engine in ["uring", "epoll", "tokio-uring"] {
        let args =
            ["--engine", engine, "-t1", "-c4", "-n200", "-T50s", "--requests-per-connection", "10", "--reset", &url];
        let ended = Running::spawn(command().args(args)).wait();
        assert_eq!(ended.code, 0, "{engine}: {}", ended.stderr);
    }
    let counts = server.stop();
    let resets = *resets.lock().expect("no panic");
    assert_eq!(counts.requests, 600);
    assert_eq!(resets, counts.connections, "each connection was reset");
}
