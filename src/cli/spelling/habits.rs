//! What people type out of habit from other tools, and what does it here.
//!
//! Spellings are those of ab, autocannon, bombardier, curl, fortio, h2load, hey, k6, locust, oha, siege, vegeta, weighttp, wrk and
//! wrk2. Where tools differ in what a letter means, the line answers each of them.

use argh::CommandInfoWithArgs;

/// An option of other tools that is known here only to say what to do instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habit {
    /// Its spellings, with dashes. Case does not matter in long ones.
    pub(super) names: &'static [&'static str],
    /// Our options that the line rests on: it is for commands that have them all.
    pub(super) ours: &'static [&'static str],
    /// What to do instead.
    pub(super) instead: &'static str,
}

const fn row(names: &'static [&'static str], ours: &'static [&'static str], instead: &'static str) -> Habit {
    Habit { names, ours, instead }
}

/// Of commands that send requests of the user's own.
const REQUEST: &[&str] = &["--method", "--header", "--body"];
const HEADER: &[&str] = &["--header"];

/// All of them.
pub(super) const HABITS: &[Habit] = &[
    // How long, how many, how fast.
    row(&["-z", "--time", "--run-time", "--timelimit"], &["--duration"], "the time to run is -d here, as in -d 10s"),
    row(
        &["-D"],
        &["--duration", "--body"],
        "the time to run is -d here (h2load's -D); a body from a file is -b @FILE (hey's and oha's -D)",
    ),
    row(
        &["-a"],
        &["--requests", "--no-keepalive", "--header"],
        "a number of requests is -n here (autocannon's -a), a new connection for each request --no-keepalive (bombardier's), \
         a user and password -H 'Authorization: Basic ...' (hey's and oha's)",
    ),
    row(
        &["-O", "--amount", "--iterations", "--reps", "--maxOverallRequests"],
        &["--requests"],
        "the number of requests is -n here",
    ),
    row(
        &["-q"],
        &["--rate"],
        "a rate is -R here, for all connections together (hey's and oha's -q); there is nothing to silence, as progress is \
         shown on terminals only",
    ),
    row(&["--qps", "--rps", "--overallRate"], &["--rate"], "a rate is -R here, for all connections together"),
    row(
        &["-r"],
        &["--rate"],
        "a rate is -R here; a run goes on after errors without it (ab's -r), and redirects are not followed (oha's)",
    ),
    row(
        &["--burst-delay", "--burst-rate"],
        &["--stages"],
        "bursts are stages here, as in --stages 10ms@10k,990ms@0,10ms@10k",
    ),
    row(&["--stage"], &["--stages"], "stages are one list of TIME@RATE here, as in --stages 30s@1k,1m@5k:20k"),
    row(
        &["-u"],
        &["--connections", "--method", "--header", "--body"],
        "users are connections here, -c (k6's and locust's -u); PUT a file with -m PUT -b @FILE (ab's); a user and password are \
         -H 'Authorization: Basic ...' (curl's)",
    ),
    row(
        &["--concurrency", "--concurrent", "--clients", "--users", "--vus", "--max-connections"],
        &["--connections"],
        "connections are -c here",
    ),
    row(&["--workers", "--max-workers"], &["--threads"], "worker threads are -t here"),
    row(
        &["-w"],
        &["--threads", "--drain"],
        "worker threads are -t here (autocannon's -w); how long answers are awaited at the end is --drain (oha's)",
    ),
    row(&["-W", "--warm-up-time"], &["--warmup"], "a warm-up is --warmup TIME here"),
    row(&["-N"], &["--timeout"], "the timeout of requests and connects is -T here"),
    row(&["--connect-timeout"], &["--timeout"], "the timeout is -T here, for connects as for requests"),
    row(
        &["--wait-ongoing-requests-after-deadline"],
        &["--drain"],
        "how long answers are awaited at the end is --drain here",
    ),
    // Connections.
    row(
        &["--keepalive", "--keep-alive"],
        &["--no-keepalive"],
        "leave it out: connections are kept alive unless --no-keepalive",
    ),
    row(
        &[
            "--disable-keepalive",
            "--disable-keep-alive",
            "--disableKeepAlives",
            "--no-connection-reuse",
            "--no-keep-alive",
        ],
        &["--no-keepalive"],
        "a new connection for each request is --no-keepalive here",
    ),
    row(
        &["-M", "--maxConnectionRequests", "--reconnectRate"],
        &["--requests-per-connection"],
        "a new connection after so many requests is --requests-per-connection N here",
    ),
    row(
        &["--laddr", "--interface", "--local-address", "--bind"],
        &["--source-address"],
        "the address to connect from is --source-address here",
    ),
    row(
        &["--connect-to", "--resolve"],
        HEADER,
        "the address to connect to goes into the URL here, the server's name into -H 'Host: NAME'",
    ),
    row(
        &["-4", "-6", "--ipv4", "--ipv6"],
        HEADER,
        "an address in the URL says which IP it is, as in http://[::1]:8080/ or http://127.0.0.1:8080/",
    ),
    row(
        &["--no-pre-lookup", "--dns-ttl"],
        HEADER,
        "leave it out: names are resolved once, before the run, and all their addresses are used in turn",
    ),
    row(&["-x", "-P", "--proxy"], HEADER, "proxies are not supported: requests go to the host of the URL itself"),
    // TLS.
    row(&["--insecure-skip-tls-verify"], &["--insecure"], "any certificate is taken with -k here"),
    row(&["--root-certs"], &["--cacert"], "certificates to trust are --cacert FILE here"),
    row(&["-E"], &["--cert"], "the client's certificate is --cert FILE here, with --key FILE"),
    row(&["--servername"], &["--sni"], "the name that a server is asked for is --sni NAME here"),
    row(
        &["--tls13-ciphers", "--cipher"],
        &["--ciphers"],
        "ciphers are --ciphers LIST here, those of TLS 1.3 among them",
    ),
    row(&["--alpn-list", "--no-tls-proto"], &["--alpn"], "the protocols to offer are --alpn LIST here"),
    row(&["--tls", "--ssl"], &["--insecure"], "an https:// URL is what asks for TLS here"),
    row(&["--ktls"], &["--insecure"], "leave it out: records are sealed here, in the ring's own memory"),
    // What this version lacks.
    row(
        &[
            "--http2",
            "--h2",
            "--h2c",
            "--http2-prior-knowledge",
            "--http-version",
            "--npn-list",
            "--max-concurrent-streams",
            "--window-bits",
            "--connection-window-bits",
        ],
        &["--pipeline"],
        "HTTP/2 is not supported yet: this version speaks HTTP/1.1; so many requests in flight on each connection are -p N",
    ),
    row(&["--http3", "--quic"], HEADER, "HTTP/3 is not supported yet: this version speaks HTTP/1.1"),
    row(
        &["--http1", "--http1.1", "--http1.0", "--h1", "--fasthttp"],
        HEADER,
        "leave it out: this version speaks HTTP/1.1, and understands answers of HTTP/1.0",
    ),
    row(
        &["-S", "--socketPath"],
        HEADER,
        "a unix socket is --unix-socket PATH here, and the URL says what is asked for",
    ),
    row(
        &["-s", "--script"],
        REQUEST,
        "Lua scripts are not run; set a fixed request with -m, -H and -b (a timeout, ab's -s, is -T)",
    ),
    row(
        &["--targets", "--input-file", "--urls-from-file", "--file"],
        &["--input"],
        "a list of requests is --input FILE here: a URL or path per line, or vegeta's blocks; a body from a file is -b @FILE",
    ),
    row(
        &["--rand-regex-url"],
        &["--placeholders"],
        "a URL that changes has placeholders here, as in --placeholders 'http://HOST/items/{RAND:1:1000}'",
    ),
    // The request.
    row(&["-X"], &["--method"], "the method is -m here, as in -m PUT (curl's -X); proxies are not supported (ab's)"),
    row(
        &["--request"],
        &["--method", "--requests"],
        "the method is -m here, as in -m PUT (curl's --request); the number of requests is -n",
    ),
    row(&["-I", "--head"], &["--method"], "HEAD is -m HEAD here"),
    row(
        &["-A"],
        HEADER,
        "headers are -H here: -H 'Accept: ...' (hey's and oha's -A), -H 'Authorization: Basic ...' (ab's), -H 'User-Agent: ...' \
         (curl's and siege's)",
    ),
    row(&["-C", "--cookie"], HEADER, "a cookie is a header here, as in -H 'Cookie: NAME=VALUE'; connections are -c"),
    row(&["--user-agent"], HEADER, "the user agent is a header here, as in -H 'User-Agent: NAME'"),
    row(&["--host"], HEADER, "the Host header is -H 'Host: NAME' here; the host to load goes into the URL"),
    row(&["--accept"], HEADER, "what is accepted is a header here, as in -H 'Accept: text/html'"),
    row(&["--content-type"], HEADER, "the type of a body is a header here, as in -H 'Content-Type: application/json'"),
    row(&["--user", "--basic-auth"], HEADER, "a user and password are a header here, -H 'Authorization: Basic ...'"),
    row(
        &["--data", "--data-raw", "--data-binary", "--body-file", "--body-path"],
        &["--body"],
        "a body is -b here, as in -b TEXT or -b @FILE",
    ),
    row(
        &["-f"],
        &["--body"],
        "a body from a file is -b @FILE here (bombardier's -f); lists of URLs are not supported yet (siege's)",
    ),
    row(
        &["-F", "--form"],
        &["--body", "--header"],
        "forms are not encoded here: send the encoded one with -b, its type with -H 'Content-Type: ...'",
    ),
    row(&["-Z"], &["--body"], "one body is sent, -b @FILE; a body for each line of a file is not supported yet"),
    row(
        &["--redirect", "--redirects", "--disable-redirects", "--location", "--no-follow"],
        HEADER,
        "leave it out: redirects are not followed, and counted as the answers that they are",
    ),
    row(
        &["--compressed", "--disable-compression"],
        HEADER,
        "leave it out: compression is asked for by -H 'Accept-Encoding: gzip' alone, and bodies are counted as they come",
    ),
    // What is measured and printed.
    row(
        &["-U", "--u_latency"],
        &["--rate", "--header"],
        "leave it out; with -R the report has the service time, uncorrected, beside the response time (a user agent, hey's -U, is \
         -H 'User-Agent: ...')",
    ),
    row(
        &["-B", "--batch_latency"],
        &["--source-address"],
        "leave it out; every pipelined response has a latency of its own (the address to connect from, ab's -B, is \
         --source-address)",
    ),
    row(
        &["--latency-correction", "--ignoreCoordinatedOmission"],
        &["--rate"],
        "leave it out: with -R times count from when a request was due, and nothing is corrected afterwards",
    ),
    row(
        &["-o", "--output", "--output-format", "--out", "--format", "--summary-export", "--log-file"],
        &["--json"],
        "a result is written with --json FILE here; a run has --csv, --hgrm, --hdr-log and --timeseries too",
    ),
    row(&["-j"], &["--json"], "the result as JSON is --json FILE here, or --json - for standard output"),
    row(&["-e"], &["--csv"], "figures as CSV are --csv FILE here (ab's -e)"),
    row(&["-g"], &["--hgrm"], "percentiles to plot are --hgrm FILE here (ab's -g)"),
    row(
        &["--no-tui", "--tui", "--fps", "--no-progress", "--no-print", "--quiet", "--silent", "--headless"],
        HEADER,
        "leave it out: progress is one line, and shown on terminals only",
    ),
    row(
        &["--no-color", "--disable-color"],
        HEADER,
        "set NO_COLOR=1 in the environment instead; colours are for terminals only",
    ),
    row(&["-V"], &["--version"], "the version is -v or --version here"),
];

/// The habit behind `name`, an option with its dashes, where `info` is of the command it was typed for.
pub(super) fn of(name: &str, info: &CommandInfoWithArgs) -> Option<&'static Habit> {
    let is_it = |known: &&str| match known.starts_with("--") {
        true => known.eq_ignore_ascii_case(name),
        false => *known == name,
    };
    let has = |ours: &&str| info.flags.iter().any(|flag| flag.long == *ours);
    HABITS.iter().find(|habit| habit.names.iter().any(is_it) && habit.ours.iter().all(has))
}

/// What a value was likely meant for that breaks its `rule`, and that another tool's option of that name would take.
pub(in crate::cli) fn of_value(argument: &str, rule: &str, given: &str) -> Option<&'static str> {
    let begins_with_digit = given.starts_with(|c: char| c.is_ascii_digit());
    let is_count = rule.starts_with("must be a whole number");
    let is_time = begins_with_digit && given.ends_with(['s', 'S', 'm', 'h', 'H']);
    match argument {
        "--threads" if is_time => Some("the time to run is -d, a timeout -T"),
        "--requests" if is_time => Some("the time to run is -d"),
        "--connections" if is_count && given.contains("..") => Some("a range of them is searched by saturing search"),
        "--connections" if is_count && given.contains(',') => {
            Some("several numbers, one after the other, are --steps 1,8,64x5s")
        }
        "--duration" if !begins_with_digit && !given.is_empty() && !given.starts_with('-') => {
            Some("the body of a request is -b")
        }
        "--timeout" if given.contains('/') => Some("the type of a body is -H 'Content-Type: ...'"),
        "--pipeline" if given.starts_with("h2") || given.starts_with("http/") => {
            Some("HTTP/1.1 is what this version speaks, without asking for it")
        }
        "--pipeline" if !begins_with_digit && given.contains(['.', '/']) => Some("a body from a file is -b @FILE"),
        "--rate" if begins_with_digit && given.contains('/') => Some("rates are per second without saying so"),
        "--method" if begins_with_digit => Some("so many requests in flight on each connection are -p N"),
        _ => None,
    }
}
