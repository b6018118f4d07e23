//! What may be typed: the options, their help, and nothing of what they mean.
//!
//! Every value stays text here; `typed` gives it its meaning. `spelling` and `help` learn from
//! these structs which options there are and which take a value.

use argh::{ArgsInfo, FromArgs};

/// How fast is this HTTP server, really? Puts load on URL and reports what it saw; without one,
/// on the built-in server, on cores of its own.
#[derive(FromArgs, ArgsInfo, Debug, Default, PartialEq, Eq)]
#[argh(
    example = "saturing\n    load the built-in server for 5 s: is the installation sound?",
    example = "saturing -t2 -c100 -d30s http://127.0.0.1:8080/index.html\n    as wrk spells it",
    example = "saturing -R 2k -c100 -d30s -L http://127.0.0.1:8080/\n    2,000 requests per second, as wrk2 spells it",
    example = "saturing -n 1M -p 16 --json - localhost:8080 | jq .rate.achieved_per_s\n    \
               a million requests, 16 in flight on each connection",
    example = "saturing -H 'Content-Type: text/csv' -b @orders.csv localhost:8080/orders\n    \
               POST a file",
    note = "A count takes k, M or G (thousand, million, thousand million): 10k, 1.5M.",
    note = "A duration takes us, ms, s, m or h: 500ms, 1m30s; a bare number is seconds.",
    note = "A value may be attached: -c64, -c 64, --connections 64, --connections=64.",
    error_code(0, "done"),
    error_code(1, "no run, no response, an incomplete run, or an output that was not written"),
    error_code(2, "bad arguments"),
    error_code(3, "a limit of --slo did not hold"),
    error_code(130, "interrupted (SIGINT); what was measured is reported"),
    error_code(143, "terminated (SIGTERM); what was measured is reported")
)]
pub struct LoadArgs {
    /// what to load, as in http://127.0.0.1:8080/path; http:// may be left out; several of one
    /// server are asked for in turn; without a URL, the built-in server
    #[argh(positional, arg_name = "URL")]
    pub url: Vec<String>,

    /// worker threads, each pinned to a CPU: 1 to 1024 (default: one for each physical core, for
    /// half of them when the server is on this host)
    #[argh(option, short = 't', arg_name = "N")]
    pub threads: Option<String>,

    /// connections in all, spread evenly over the workers: 1 to 1M (default: 64 for each worker)
    #[argh(option, short = 'c', arg_name = "N")]
    pub connections: Option<String>,

    /// stop after this time (default: 10s, for the built-in server 5s, none with -n)
    #[argh(option, short = 'd', arg_name = "TIME")]
    pub duration: Option<String>,

    /// stop after exactly this many requests, or after -d if that comes first
    #[argh(option, short = 'n', arg_name = "N")]
    pub requests: Option<String>,

    /// open loop: this many requests per second in all, 0.1 to 1G, whatever the server does; A:B
    /// goes evenly from A to B, one of which may be 0
    #[argh(option, short = 'R', arg_name = "N|A:B")]
    pub rate: Option<String>,

    /// how requests of an open loop are spaced: constant or poisson (default: constant)
    #[argh(option, arg_name = "KIND")]
    pub arrivals: Option<String>,

    /// what Poisson arrivals, a random order and placeholders are drawn from (default: 1)
    #[argh(option, arg_name = "N")]
    pub seed: Option<String>,

    /// open loop in stages, each TIME@RATE or TIME@A:B, as in 30s@1k,5s@0,1m@5k:20k; a stage at 0
    /// is a pause
    #[argh(option, arg_name = "LIST")]
    pub stages: Option<String>,

    /// one run after the other with other numbers of connections, each with N requests or for
    /// TIME, as in 10..50+10x10000 or 1,8,64x5s
    #[argh(option, arg_name = "LISTxN|TIME")]
    pub steps: Option<String>,

    /// open loop: give up requests that waited longer than this to be sent (default: never)
    #[argh(option, arg_name = "TIME")]
    pub deadline: Option<String>,

    /// open loop: stay awake before requests are due; sends are later by less, for more CPU
    #[argh(switch)]
    pub spin: bool,

    /// load before the window, of which nothing is recorded (default: 0)
    #[argh(option, arg_name = "TIME")]
    pub warmup: Option<String>,

    /// so many windows, 1 to 1000, each after a warm-up of its own; the report adds what they agree
    /// on (default: 1)
    #[argh(option, arg_name = "N")]
    pub repeat: Option<String>,

    /// length of the time series' intervals: 100ms to 1h (default: 1s)
    #[argh(option, arg_name = "TIME")]
    pub interval: Option<String>,

    /// requests in flight on each connection: 1 to 1024 (default: 1)
    #[argh(option, short = 'p', arg_name = "N")]
    pub pipeline: Option<String>,

    /// request method, sent as typed: methods are case-sensitive (default: GET, with -b POST)
    #[argh(option, short = 'm', arg_name = "METHOD")]
    pub method: Option<String>,

    /// send this header, in place of a default one of that name; 'Name:' leaves the default one
    /// out; 'Connection: close' is --no-keepalive; may be repeated
    #[argh(option, short = 'H', arg_name = "'NAME: VALUE'")]
    pub header: Vec<String>,

    /// send this body; @FILE reads it from a file, @- from standard input
    #[argh(option, short = 'b', arg_name = "TEXT|@FILE|@-")]
    pub body: Option<String>,

    /// requests from FILE in turn: a URL or path per line, or blocks of METHOD URL, headers, @FILE
    /// or an indented body, with expect: and expect-body: lines; # name: names a request; paths are
    /// of URL's server
    #[argh(option, short = 'i', arg_name = "FILE|-")]
    pub input: Option<String>,

    /// requests in turn, each the bytes of a FILE as they are; one named twice counts twice; may be
    /// repeated
    #[argh(option, arg_name = "FILE[,FILE...]")]
    pub raw: Vec<String>,

    /// each line of FILE in turn is the body of a request to URL
    #[argh(option, arg_name = "FILE|-")]
    pub body_lines: Option<String>,

    /// how a list of requests is gone through: turn or random (default: turn, with exact shares)
    #[argh(option, arg_name = "ORDER")]
    pub order: Option<String>,

    /// each path of a list has figures of its own; at most 256
    #[argh(switch)]
    pub by_path: bool,

    /// URL, headers and body have placeholders too, as files of requests have: {RAND:min:max},
    /// {SEQ:start}, {UUID}, {NOW_MS}
    #[argh(switch)]
    pub placeholders: bool,

    /// numbers of {SEQ:start} begin so many later, to go on from an earlier run (default: 0)
    #[argh(option, arg_name = "N")]
    pub seq_skip: Option<String>,

    /// an answer with another status has failed, as in 200,204,3xx
    #[argh(option, arg_name = "LIST")]
    pub expect_status: Option<String>,

    /// an answer with another body has failed; @FILE reads the body from a file
    #[argh(option, arg_name = "TEXT|@FILE")]
    pub expect_body: Option<String>,

    /// a request has failed after this time: more than 0, at most 1h (default: 2s)
    #[argh(option, short = 'T', arg_name = "TIME")]
    pub timeout: Option<String>,

    /// a new connection for each request
    #[argh(switch)]
    pub no_keepalive: bool,

    /// a new connection after this many requests, at least 1 (default: never)
    #[argh(option, arg_name = "N")]
    pub requests_per_connection: Option<String>,

    /// end connections by a reset (RST), as SO_LINGER with no time does: after the last answer, at
    /// once, and without asking the server to
    #[argh(switch)]
    pub reset: bool,

    /// at the end, await answers on their way for at most this time, 0 to 1h (default: 100ms, in
    /// open loop the timeout)
    #[argh(option, arg_name = "TIME")]
    pub drain: Option<String>,

    /// end a run of -n requests that was not answered for this time: more than 0, at most 1h
    /// (default: 30s, or the timeout if that is longer; never with -d)
    #[argh(option, arg_name = "TIME")]
    pub patience: Option<String>,

    /// CPUs of the workers, as in 0,2-5 (default: one for each physical core allowed)
    #[argh(option, arg_name = "LIST")]
    pub cpus: Option<String>,

    /// workers on each physical core, on its CPUs: 1 up to what a core has (default: 1)
    #[argh(option, arg_name = "N")]
    pub threads_per_core: Option<String>,

    /// connect from these addresses of this host in turn; may be repeated (default: the
    /// kernel's choice)
    #[argh(option, arg_name = "A[,B...]")]
    pub source_address: Vec<String>,

    /// connect to this unix socket; the URL says only what is asked for
    #[argh(option, arg_name = "PATH")]
    pub unix_socket: Option<String>,

    /// https: take any certificate; signatures are still checked
    #[argh(switch, short = 'k')]
    pub insecure: bool,

    /// https: trust the certificates in FILE (PEM) in place of the system's
    #[argh(option, arg_name = "FILE")]
    pub cacert: Option<String>,

    /// https: show this certificate (PEM, with those up to its issuer's) to a server that asks
    #[argh(option, arg_name = "FILE")]
    pub cert: Option<String>,

    /// https: the key of --cert, in PKCS#8, PKCS#1 or SEC1 (default: it is in --cert's file)
    #[argh(option, arg_name = "FILE")]
    pub key: Option<String>,

    /// https: ask for the server of this name, and verify its certificate by it (default: the URL's
    /// host)
    #[argh(option, arg_name = "NAME")]
    pub sni: Option<String>,

    /// https: the oldest version of TLS to take: 1.2 or 1.3 (default: 1.2)
    #[argh(option, arg_name = "VERSION")]
    pub tls_min: Option<String>,

    /// https: the newest version of TLS to take: 1.2 or 1.3 (default: 1.3)
    #[argh(option, arg_name = "VERSION")]
    pub tls_max: Option<String>,

    /// https: the ciphers to take, by their registered names or OpenSSL's, the best first
    #[argh(option, arg_name = "LIST")]
    pub ciphers: Option<String>,

    /// https: the protocols to offer by ALPN (default: http/1.1)
    #[argh(option, arg_name = "LIST")]
    pub alpn: Option<String>,

    /// https: new connections go on with the sessions of earlier ones; without it each makes a full
    /// handshake
    #[argh(switch)]
    pub resume: bool,

    /// what the workers run on: auto, uring, epoll or tokio-uring (default: auto, uring where it
    /// can be had)
    #[argh(option, arg_name = "NAME")]
    pub engine: Option<String>,

    /// io_uring as older kernels have it: A+, A, A-, B or C (default: the best this kernel has)
    #[argh(option, arg_name = "LEVEL")]
    pub uring_level: Option<String>,

    /// a kernel thread submits to io_uring, on this CPU or on any
    #[argh(option, arg_name = "[=CPU]")]
    pub sqpoll: Option<String>,

    /// io_uring polls the network card for this many microseconds before it sleeps: 1 to 1000000
    #[argh(option, arg_name = "USEC")]
    pub napi: Option<String>,

    /// sockets poll the network card for this many microseconds before they sleep: 1 to 1000000
    /// (default of the option: 50)
    #[argh(option, arg_name = "[=USEC]")]
    pub busy_poll: Option<String>,

    /// print the latency distribution and its spectrum, in open loop as wrk2 has them
    #[argh(switch, short = 'L')]
    pub latency: bool,

    /// print what the verdict ("Limit") rests on: each worker's time, its CPU, the target's process
    #[argh(switch)]
    pub verbose: bool,

    /// write the whole result as JSON to FILE; -: to standard output, and nothing else there
    #[argh(option, arg_name = "FILE|-")]
    pub json: Option<String>,

    /// write the latency's percentile spectrum (ms) to FILE, for HdrHistogram's plotter
    #[argh(option, arg_name = "FILE|-")]
    pub hgrm: Option<String>,

    /// write the histograms of each interval to FILE when it ends, as an HdrHistogram log
    #[argh(option, arg_name = "FILE|-")]
    pub hdr_log: Option<String>,

    /// write a line of JSON for each interval to FILE
    #[argh(option, arg_name = "FILE|-")]
    pub timeseries: Option<String>,

    /// write the run and each of its parts to FILE as CSV
    #[argh(option, arg_name = "FILE|-")]
    pub csv: Option<String>,

    /// what has to hold, as in p99<5ms,errors<0.1%,rate>9k: exit code 3 if it does not; times have
    /// a unit and are pN, mean, max, service.pN, in open loop also lag, lag.pN; a kind of
    /// request is named in brackets behind
    #[argh(option, arg_name = "LIST")]
    pub slo: Option<String>,

    /// print the version
    #[argh(switch, short = 'v')]
    pub version: bool,
}

/// The built-in server alone: answers every request with "Hello, World!", prints its address, and
/// stops on SIGTERM or SIGINT with the number of requests it served.
#[derive(FromArgs, ArgsInfo, Debug, Default, PartialEq, Eq)]
#[argh(
    example = "saturing serve --port 8080 --cpus 1\n    then: saturing --cpus 0 localhost:8080",
    example = "saturing serve --service exp:200us --log requests.csv\n    \
               a queue that theory knows, and what became of each request",
    note = "A duration takes us, ms, s, m or h: 500ms, 1m30s; a bare number is seconds.",
    note = "A request is served (--service), then waits (--delay); in pauses (--pause)",
    note = "nothing is served and nothing sent.",
    error_code(0, "stopped by a signal"),
    error_code(1, "could not start, or the log could not be written"),
    error_code(2, "bad arguments")
)]
pub struct ServeArgs {
    /// TCP port to listen on: 0 to 65535 (default: 0, a free one)
    #[argh(option, arg_name = "N")]
    pub port: Option<String>,

    /// address to listen on (default: 127.0.0.1)
    #[argh(option, arg_name = "ADDRESS")]
    pub host: Option<String>,

    /// listen on this unix socket instead; it is made, and removed at the end
    #[argh(option, arg_name = "PATH")]
    pub unix_socket: Option<String>,

    /// CPUs of the server, as in 0,2-5 (default: one for each physical core allowed)
    #[argh(option, arg_name = "LIST")]
    pub cpus: Option<String>,

    /// what it runs on: auto, uring or epoll (default: auto, uring where it can be had)
    #[argh(option, arg_name = "NAME")]
    pub engine: Option<String>,

    /// each answer leaves this time after its request (default: at once)
    #[argh(option, arg_name = "TIME")]
    pub delay: Option<String>,

    /// answer nothing for the last PAUSE of every PERIOD since the first connection; what came
    /// meanwhile is answered at its end, in order
    #[argh(option, arg_name = "PAUSE/PERIOD")]
    pub pause: Option<String>,

    /// serve one request after the other on each CPU, each for TIME, or exponentially distributed
    /// with mean TIME
    #[argh(option, arg_name = "const:TIME|exp:TIME")]
    pub service: Option<String>,

    /// what exponential services are drawn from (default: 1)
    #[argh(option, arg_name = "N")]
    pub seed: Option<String>,

    /// write a line of CSV for each request to FILE: connection, the client's port, number on the
    /// connection, X-Request-Id, when it was received and answered (ns, CLOCK_MONOTONIC)
    #[argh(option, arg_name = "FILE")]
    pub log: Option<String>,

    /// speak TLS, with a certificate of its own, whose fingerprint it prints
    #[argh(switch)]
    pub tls: bool,

    /// with --tls: show this certificate (PEM, with those up to its issuer's)
    #[argh(option, arg_name = "FILE")]
    pub cert: Option<String>,

    /// with --tls: the key of --cert (default: it is in --cert's file)
    #[argh(option, arg_name = "FILE")]
    pub key: Option<String>,

    /// answer by method and path, as FILE says in TOML, and tell at the end how often: tables
    /// named route with method, path (* is any segment), status, body, body_file or body_bytes, headers, delay
    #[argh(option, arg_name = "FILE")]
    pub routes: Option<String>,
}

/// The highest rate that holds an SLO: open-loop runs, each after the other, first at doubled rates and then bisected. Or, with
/// --connections A..B, the smallest number of connections that reaches 95 % of the highest closed-loop rate. There is an answer if
/// three runs agree on it, else a range. Runs that this machine disturbed are repeated.
#[derive(FromArgs, ArgsInfo, Debug, Default, PartialEq, Eq)]
#[argh(
    example = "saturing search --slo 'p99<5ms,errors<0.1%' localhost:8080\n    how much it takes with every hundredth \
               request below 5 ms",
    example = "saturing search --connections 1..256 localhost:8080\n    how many connections are enough",
    note = "A rate with a tenth of errors (failed, status 400 and above) does not hold, unless",
    note = "--slo limits errors. Without an answer the range it lies in is printed.",
    error_code(0, "an answer was found on which three runs agree"),
    error_code(1, "no answer (runs disagree, none holds, nobody answers), or no output"),
    error_code(2, "bad arguments"),
    error_code(130, "interrupted (SIGINT); the probes so far are printed"),
    error_code(143, "terminated (SIGTERM); the probes so far are printed")
)]
pub struct SearchArgs {
    /// what has to hold, as in p99<5ms,errors<0.1%; each < or <=, no rate
    #[argh(option, arg_name = "LIST")]
    pub slo: Option<String>,

    /// connections of every run; A..B searches for the smallest number instead of a rate (default:
    /// 64 for each worker)
    #[argh(option, short = 'c', arg_name = "N|A..B")]
    pub connections: Option<String>,

    /// where the search for a rate begins (default: 1k)
    #[argh(option, short = 'R', arg_name = "N")]
    pub rate: Option<String>,

    /// least time of each run (default: 2s); it is longer where the SLO's percentile needs more
    /// samples
    #[argh(option, short = 'd', arg_name = "TIME")]
    pub duration: Option<String>,

    /// load before each run that is not recorded (default: 200ms)
    #[argh(option, arg_name = "TIME")]
    pub warmup: Option<String>,

    /// how near the answer comes to the lowest rate that fails: 0.1% to 50% (default: 2%)
    #[argh(option, arg_name = "SHARE")]
    pub precision: Option<String>,

    /// write the whole search as JSON to FILE; -: to standard output, and nothing else there
    #[argh(option, arg_name = "FILE|-")]
    pub json: Option<String>,
}

/// Is there a difference, and how large? Between two results that --json wrote, or between two servers that are loaded in
/// turn. Rates and percentiles are compared over windows: those of --repeat, or else the intervals of each run.
#[derive(FromArgs, ArgsInfo, Debug, Default, PartialEq, Eq)]
#[argh(
    example = "saturing compare before.json after.json\n    two results, best with --repeat 10 each",
    example = "saturing compare --run --rounds 12 -d 3s localhost:8080/a localhost:8080/b\n    12 pairs of windows, in turn",
    note = "No side wins with a tenth of errors (failed, status 400 and above), or if one was away.",
    error_code(0, "compared, whatever was seen"),
    error_code(1, "not compared (errors, a side that is away, no figures), or no output"),
    error_code(2, "bad arguments"),
    error_code(130, "interrupted (SIGINT); whole rounds are compared"),
    error_code(143, "terminated (SIGTERM); whole rounds are compared")
)]
pub struct CompareArgs {
    /// two results, or with --run two URLs
    #[argh(positional, arg_name = "A B")]
    pub sides: Vec<String>,

    /// the two are URLs: put load on them in turn
    #[argh(switch)]
    pub run: bool,

    /// with --run: how often each is loaded, 1 to 1000 (default: 10); a verdict takes 8
    #[argh(option, arg_name = "N")]
    pub rounds: Option<String>,

    /// with --run: time of each window (default: 2s)
    #[argh(option, short = 'd', arg_name = "TIME")]
    pub duration: Option<String>,

    /// with --run: load before each window that is not recorded (default: 200ms)
    #[argh(option, arg_name = "TIME")]
    pub warmup: Option<String>,

    /// write the comparison as JSON to FILE; -: to standard output, and nothing else there
    #[argh(option, arg_name = "FILE|-")]
    pub json: Option<String>,
}

/// What this client can do here: many short runs against the built-in server, in less than a minute. The floor (the same loop, which reads
/// nothing) beside the engine, what parsing, stamps and histograms cost, how late the engine knows of answers and how late it sends; the ceiling, and
/// what to ask for. It is kept under $XDG_CACHE_HOME or ~/.cache, and later runs on this host tell their ceiling.
#[derive(FromArgs, ArgsInfo, Debug, Default, PartialEq, Eq)]
#[argh(
    example = "saturing calibrate\n    before the first measurement on a host, with nothing else running",
    example = "saturing calibrate --cpus 2 --json calibration.json\n    one worker, on CPU 2",
    note = "A duration takes us, ms, s, m or h: 500ms, 1m30s; a bare number is seconds.",
    error_code(0, "calibrated"),
    error_code(1, "no run, or an output that could not be written"),
    error_code(2, "bad arguments"),
    error_code(130, "interrupted (SIGINT); the figures so far are printed and not kept"),
    error_code(143, "terminated (SIGTERM); the figures so far are printed and not kept")
)]
pub struct CalibrateArgs {
    /// calibrate over TLS: the ceiling of runs with https URLs
    #[argh(switch)]
    pub tls: bool,

    /// time of each run: 10ms to 5s (default: 250ms, less than a minute in all)
    #[argh(option, short = 'd', arg_name = "TIME")]
    pub duration: Option<String>,

    /// write the whole calibration as JSON to FILE; -: to standard output, and nothing else there
    #[argh(option, arg_name = "FILE|-")]
    pub json: Option<String>,
}

/// What this machine allows, and what would be used of it for a run: engine and features, limits, CPUs, network. Each finding with
/// its value and, where it is not fine, why it matters and what changes it. Changes nothing.
#[derive(FromArgs, ArgsInfo, Debug, Default, PartialEq, Eq)]
#[argh(
    example = "saturing doctor\n    is this machine fit?",
    example = "saturing doctor -c 100k --source-address 10.0.0.2,10.0.0.3 10.0.0.9:8080\n    will it carry that run?",
    error_code(0, "nothing keeps saturing from full speed"),
    error_code(1, "something does, or an output could not be written"),
    error_code(2, "bad arguments")
)]
pub struct DoctorArgs {
    /// write the findings as JSON to FILE; -: to standard output, and nothing else there
    #[argh(option, arg_name = "FILE|-")]
    pub json: Option<String>,
}

/// Real servers, one after the other: started, checked byte for byte, loaded, watched and ended, by what a suite's file says, and
/// reports of it all. Cases are interleaved over the rounds; results are on disk as soon as they are there.
#[derive(FromArgs, ArgsInfo, Debug, Default, PartialEq, Eq)]
#[argh(
    example = "saturing suite list\n    the suites of this checkout, and the cases of the study",
    example = "saturing suite run --quick\n    does every server of the study start and answer here? A few minutes",
    example = "saturing suite run tornado_lan_flask_hw gevent_pure_wsgi --repeat 5\n    two cases, five rounds",
    example = "saturing suite run --suite ceiling --client saturing,wrk\n    bench/suites/ceiling.toml, by other clients too",
    example = "saturing suite report bench/results/2026-11-25-host/seed\n    Benchmarks.md and index.html anew",
    example = "saturing suite compare before/seed after/seed\n    row by row: is there a difference?",
    note = "Clients: saturing, wrk, h2load, weighttp, weighttp-like (weighttp, else h2load in its way), oha, locust.",
    note = "What servers need is installed by bench/setup.sh.",
    error_code(0, "done; what this machine does not allow is told"),
    error_code(1, "a case failed, or results could not be written"),
    error_code(2, "bad arguments"),
    error_code(130, "interrupted (SIGINT); what was measured is reported"),
    error_code(143, "terminated (SIGTERM); what was measured is reported")
)]
pub struct SuiteArgs {
    /// list; run and names of cases (none: all); report and a folder with results; compare and two
    /// such folders
    #[argh(positional, arg_name = "list | run [CASE...] | report DIR | compare DIR1 DIR2")]
    pub words: Vec<String>,

    /// the suite: a file, or a name such as seed, servers or ceiling for bench/suites/NAME.toml
    /// (default: seed)
    #[argh(option, arg_name = "FILE|NAME")]
    pub suite: Option<String>,

    /// run: a look at every case, with little load and once; figures are not for comparing
    #[argh(switch)]
    pub quick: bool,

    /// run: rounds, 1 to 1000 (default: what the suite says, else 3)
    #[argh(option, arg_name = "K")]
    pub repeat: Option<String>,

    /// run: what makes the load, in place of what the suite says
    #[argh(option, arg_name = "NAME[,NAME...]")]
    pub client: Option<String>,

    /// run: the folder for results (default: bench/results/DATE-HOST/SUITE)
    #[argh(option, arg_name = "DIR")]
    pub out: Option<String>,
}
