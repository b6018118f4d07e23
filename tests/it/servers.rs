//! Real servers: nginx, Python's http.server and the built-in one. Their own counts agree with ours.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::process::{Folder, Process, long_enough, until};
use crate::support::saturing::{Running, Serve, address_in_first_line, load, measure, run};
use crate::support::scripted::listen;
use nix::sys::signal::Signal;
use saturing::result::{Anomalies, RunResult};

/// nginx on a free port, in a folder of its own; every request is a line in its log.
struct Nginx {
    process: Process,
    folder: Folder,
    address: SocketAddr,
}

const NGINX: &str = r#"
daemon off;
master_process off;
worker_processes 1;
pid PLACE/pid;
error_log PLACE/error.log;
events { worker_connections 512; }
http {
    log_format outcome '$request_method $uri $status $body_bytes_sent $request_completion';
    access_log PLACE/access.log outcome;
    client_body_temp_path PLACE/t1;
    proxy_temp_path PLACE/t2;
    fastcgi_temp_path PLACE/t3;
    uwsgi_temp_path PLACE/t4;
    scgi_temp_path PLACE/t5;
    default_type text/plain;
    server {
        listen ADDRESS;
        root PLACE;
        keepalive_requests 100;
        location /chunked { ssi on; ssi_types *; }
        location /empty { return 204; }
        location /missing { return 404 "missing"; }
    }
}
"#;

impl Nginx {
    fn start() -> Nginx {
        let folder = Folder::new();
        folder.write("static", "Hello, World!");
        folder.write("large", "x".repeat(1 << 20));
        folder.write("chunked", "<!--# set var=\"a\" value=\"x\" -->Hello, World!");
        let address = listen().local_addr().expect("bound");
        let place = folder.path("").display().to_string();
        let config = NGINX.replace("PLACE/", &place).replace("PLACE", &place).replace("ADDRESS", &address.to_string());
        let config = folder.write("nginx.conf", config);
        let mut command = Command::new(nginx_path());
        command.arg("-p").arg(folder.path("")).arg("-c").arg(config).arg("-e").arg(folder.path("error.log"));
        let mut process = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()), "nginx");
        until("nginx listens", || {
            assert!(!process.has_ended(), "nginx: {}", folder.read("error.log"));
            TcpStream::connect(address).ok()
        });
        Nginx { process, folder, address }
    }

    fn load(&self, path: &str, options: &str) -> RunResult {
        let mut args = vec!["-T", "50s", "--json", "-"];
        args.extend(options.split_whitespace());
        let url = format!("http://{}{path}", self.address);
        args.push(&url);
        run(&args).result()
    }

    /// Ends it in good order; the requests it logged, and those of them that it answered in whole.
    fn stop(mut self) -> (u64, u64) {
        self.process.signal(Signal::SIGQUIT);
        self.process.wait("the end of nginx");
        let log = self.folder.read("access.log");
        let whole = log.lines().filter(|line| line.ends_with(" OK")).count();
        (log.lines().count() as u64, whole as u64)
    }
}

/// Debian has it where users' paths do not lead.
fn nginx_path() -> &'static str {
    let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"];
    places.into_iter().find(|place| std::path::Path::new(place).exists()).unwrap_or("nginx")
}

#[test]
fn nginx_and_we_count_the_same() {
    let table = [
        ("/static", "", 200, 13),
        ("/static", "-p 8", 200, 13),
        ("/static", "--no-keepalive", 200, 13),
        ("/static", "-m HEAD", 200, 0),
        ("/chunked", "", 200, 13),
        ("/chunked", "-p 8", 200, 13),
        ("/empty", "", 204, 0),
        ("/missing", "", 404, 7),
    ];
    for (path, options, status, body) in table {
        let name = format!("{path} {options}");
        let nginx = Nginx::start();
        let result = nginx.load(path, &format!("-n 1234 -c 6 {options}"));
        let (requests, answers) = nginx.stop();
        assert_eq!(result.requests.sent - result.requests.discarded, requests, "{name}: {:?}", result.requests);
        assert_eq!((result.requests.completed, answers), (1234, 1234), "{name}");
        assert_eq!(result.status.keys().copied().collect::<Vec<_>>(), [status], "{name}");
        assert_eq!(result.bytes.body, 1234 * body, "{name}");
        assert_eq!((result.requests.failed, result.anomalies), (0, Anomalies::default()), "{name}");
        // keepalive_requests 100: 1234 requests take thirteen connections at the least.
        assert!(result.connections.reconnects >= 13 - 6, "{name}: {:?}", result.connections);
        assert_eq!(result.requests.discarded > 0, options == "-p 8", "{name}: {:?}", result.requests);
    }
}

#[test]
fn nginx_sends_large_files_whole() {
    let nginx = Nginx::start();
    let result = nginx.load("/large", "-n 150 -c 4");
    assert_eq!(result.bytes.body, 150 << 20);
    assert_eq!((result.requests.completed, result.requests.sent), (150, 150));
    assert_eq!(nginx.stop(), (150, 150));
}

#[test]
fn nginx_by_duration_agrees_after_the_drain() {
    for options in ["-c 8", "-c 8 -p 4", "-c 8 --no-keepalive"] {
        let nginx = Nginx::start();
        let result = nginx.load("/static", &format!("-d 700ms --drain 20s {options}"));
        let (requests, answers) = nginx.stop();
        let ours = result.requests;
        assert_eq!(ours.failed, 0, "{options}: {:?}", result.errors);
        // What was in flight at the end may yet have met an announced close, behind which nginx reads nothing.
        let owed = ours.sent - ours.discarded;
        assert!((owed - ours.in_flight_at_end..=owed).contains(&requests), "{options}: {ours:?}, nginx {requests}");
        assert_eq!(requests, answers, "{options}");
        if !options.contains("-p") {
            assert_eq!(requests, owed, "{options}");
        }
    }
}

#[test]
fn python_and_we_count_the_same() {
    let folder = Folder::new();
    folder.write("index.html", "Hello, World!");
    let mut command = Command::new("python3");
    command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(folder.path(""));
    let log = std::fs::File::create(folder.path("log")).expect("a file");
    let mut server = Process::start(command.stdout(Stdio::piped()).stderr(log), "python3");
    let address = address_in_first_line(&mut server);
    // It listens with a backlog of 5.
    let result = load(address, "-n 300 -c 3");
    assert_eq!((result.requests.completed, result.requests.sent, result.requests.discarded), (300, 300, 0));
    assert_eq!((result.bytes.body, result.anomalies), (300 * 13, Anomalies::default()));
    assert!(result.connections.reconnects >= 297, "HTTP/1.0: {:?}", result.connections);
    server.kill();
    let log = folder.read("log");
    assert_eq!(log.lines().filter(|line| line.contains("\"GET / HTTP/1.1\" 200")).count(), 300, "{log}");
}

#[test]
fn the_built_in_server_and_we_count_the_same() {
    for options in ["-n 5000 -c 16", "-n 5000 -c 16 -p 16", "-n 500 -c 8 --no-keepalive", "-n 500 -c 8 -m HEAD"] {
        let server = Serve::start(&[]);
        let result = load(server.address, options);
        let (requests, _) = server.stop();
        assert_eq!((result.requests.sent, result.requests.completed), (requests, requests), "{options}");
        assert_eq!((result.requests.failed, result.anomalies), (0, Anomalies::default()), "{options}");
    }
    for options in ["-c 16", "-c 16 -p 64", "-c 16 --no-keepalive"] {
        let server = Serve::start(&[]);
        let result = measure(server.address, &format!("-d 500ms --drain 20s {options}"));
        let (requests, _) = server.stop();
        assert_eq!(result.requests.sent, requests, "{options}");
        assert_eq!(result.requests.completed + result.requests.in_flight_at_end, requests, "{options}");
    }
}

#[test]
fn ipv6_and_host_names_are_reached() {
    let server = Serve::start(&["--host", "::1"]);
    let result = load(server.address, "-n 200 -c 4");
    assert!(result.target.address.starts_with("[::1]:"), "{:?}", result.target);
    assert_eq!(server.stop().0, 200);

    let server = Serve::start(&[]);
    let port = server.address.port().to_string();
    let ended = run(&["--json", "-", "-n", "200", "-c4", &format!("localhost:{port}")]);
    let result = ended.result();
    assert!(result.target.addresses.contains(&format!("127.0.0.1:{port}")), "{:?}", result.target);
    assert_eq!((ended.code, result.requests.completed, server.stop().0), (0, 200, 200));
}

#[test]
fn source_addresses_are_used_in_turn() {
    let server = Serve::start(&[]);
    let result = load(server.address, "-n 400 -c 40 --source-address 127.0.0.2,127.0.0.3");
    assert_eq!((result.requests.completed, result.connections.established), (400, 40));
    assert_eq!(server.stop(), (400, 40));
}

#[test]
fn a_thousand_connections_are_all_answered() {
    let server = Serve::start(&[]);
    let result = load(server.address, "-n 10k -c 1000");
    let c = result.connections;
    assert_eq!((c.requested, c.established, c.answered, c.reconnects), (1000, 1000, 1000, 0));
    assert_eq!(server.stop(), (10_000, 1000));
}

#[test]
fn many_connections_take_no_time_to_end() {
    long_enough("almost all are opened", Duration::from_secs(1), |span| {
        let server = Serve::start(&[]);
        let ended = Running::load(server.address, &format!("-d {}ms -c 3000 --drain 50s", span.as_millis())).wait();
        let result = ended.result();
        assert!(ended.code == 0, "{result:?}");
        assert_eq!(server.stop().0, result.requests.sent);
        // Cancelling them one by one, each by a search of all, took five seconds, where to open them takes a tenth of one.
        let behind = ended.took.as_secs_f64() - result.elapsed_s;
        let opened = time_to_open(3000);
        assert!(behind < 1.0 + 15.0 * opened, "{behind} s beside the window, {opened} s to open as many");
        (result.connections.established > 2500).then_some(())
    });
}

/// Seconds that so many connections take here and now.
fn time_to_open(connections: usize) -> f64 {
    let (listener, start) = (listen(), Instant::now());
    let address = listener.local_addr().expect("bound");
    for _ in 0..connections {
        let here = TcpStream::connect(address).expect("a connection");
        drop((listener.accept().expect("the same"), here));
    }
    start.elapsed().as_secs_f64()
}

#[test]
fn without_a_url_the_built_in_server_is_loaded() {
    let ended = Running::start(&["-n", "500", "-T", "50s", "--json", "-"]).wait();
    let result = ended.result();
    assert_eq!((ended.code, result.requests.failed), (0, 0));
    assert!(result.requests.completed > 0 && result.target.url.starts_with("http://127.0.0.1:"), "{:?}", result.target);
}
