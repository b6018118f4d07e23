//! The programs themselves: wrk and h2load, against the built-in server, and against one that tells what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::*;
use crate::target::Server;

fn run(client: Client, wanted: &Wanted) -> String {
    let command = client.command(wanted).unwrap();
    let ended = Command::new(&command[0]).args(&command[1..]).output();
    let ended =
        ended.unwrap_or_else(|error| panic!("{}: {error}; ./check.sh installs what the tests need", command[0]));
    assert!(ended.status.success(), "{command:?}: {ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn figures_of_the_real_programs_are_plausible() {
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), &[]).unwrap();
    let url = format!("http://{}/", server.address());
    let mut answers = 0;
    for (client, requests, keepalive) in [
        (Client::Wrk, None, true),
        (Client::Wrk, None, false),
        (Client::H2load, None, true),
        (Client::H2load, Some(2_000), true),
        (Client::H2load, Some(200), false),
        (Client::WeighttpLike, Some(2_000), true),
    ] {
        let mut wanted = usual();
        (wanted.url, wanted.connections, wanted.threads) = (url.clone(), 8, 2);
        (wanted.requests, wanted.keepalive) = (requests, keepalive);
        wanted.duration_s = requests.is_none().then_some(1.0);
        let result = client.read(&wanted, &run(client, &wanted)).unwrap();
        let name = format!("{client:?} {requests:?} {keepalive}: {result:?}");
        let completed = result.requests.completed;
        answers += completed;
        assert_eq!(result.requests.failed, 0, "{name}");
        assert_eq!(result.status, [(200, completed)].into(), "{name}");
        assert!(requests.map_or(completed > 100, |requests| completed == requests), "{name}");
        assert!(result.elapsed_s > 0.0 && result.elapsed_s < 30.0, "{name}");
        let rate = completed as f64 / result.elapsed_s;
        assert!((result.rate.achieved_per_s / rate - 1.0).abs() < 0.01, "{name}");
        if let Some(latency) = &result.latency_ns {
            // Little's law: the connections were busy, and no more than they are. wrk's mean is its own (it adds what it thinks
            // was left out), its median is not.
            let typical_ns = latency.percentiles.p50.map_or(latency.mean, |ns| ns as f64);
            let busy = typical_ns / 1e9 * rate;
            assert!(busy > 0.1 && busy < 8.0 * 1.5, "{busy}: {name}");
            assert!(latency.max as f64 >= latency.mean, "{name}");
        }
    }
    let served = server.stop().requests;
    assert!(served >= answers && answers > 0, "{served} {answers}");
}

/// What was asked first: head and body. A connection that ends without a request was a try whether somebody listens.
fn asked(listener: TcpListener) -> JoinHandle<(String, String)> {
    thread::spawn(move || {
        loop {
            let (stream, _) = listener.accept().unwrap();
            if let Some(asked) = request(&stream) {
                let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
                return asked;
            }
        }
    })
}

fn request(stream: &TcpStream) -> Option<(String, String)> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Some((head, String::from_utf8(body).unwrap()))
}

#[test]
fn the_real_programs_ask_what_they_are_told_to() {
    for client in [Client::Wrk, Client::H2load] {
        for (method, body) in
            [("GET", None), ("DELETE", None), ("POST", Some("a \"b\"\\\n\u{e9}[]%")), ("PUT", Some("1"))]
        {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut wanted = usual();
            wanted.url = format!("http://{}/path", listener.local_addr().unwrap());
            (wanted.connections, wanted.threads, wanted.requests, wanted.timeout_s) = (1, 1, Some(1), 2.0);
            (wanted.method, wanted.body) = (method.into(), body.map(str::to_owned));
            wanted.headers = vec!["Accept: text/csv".into()];
            wanted.duration_s = (client == Client::Wrk).then_some(1.0);
            let asked = asked(listener);
            run(client, &wanted);
            let (head, sent) = asked.join().unwrap();
            assert!(head.starts_with(&format!("{method} /path HTTP/1.1\r\n")), "{client:?}: {head}");
            assert!(head.to_ascii_lowercase().contains("\r\naccept: text/csv\r\n"), "{client:?}: {head}");
            assert_eq!(sent, body.unwrap_or_default(), "{client:?}: {head}");
        }
    }
}
