//! The floor: what saturing's loop costs when it parses, stamps and records nothing (`worker::baseline`), with the features and sizes of
//! the ring as they are asked for. What saturing costs above this is what it does for each answer.
//!
//! `cargo run --release --example floor -- ADDRESS:PORT [-c N] [-p N] [-d SECONDS] [--cpu N]
//! [--buffers N] [--buffer-bytes N] [--off FEATURE]... [--level LEVEL] [--sqpoll CPU] [--napi USEC]`; prints one JSON object.
//! Features: defer_taskrun no_sqarray abs_timer ring_fd submit_all multishot buffer_ring cqe_skip.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use saturing::protocol::h1::request::{Request, RequestSpec};
use saturing::protocol::h1::response::{Heads, Parser, Step};
use saturing::ring::{Config, Endpoints, Features, Idle, Level, Sqpoll, cpu};
use saturing::worker::baseline::{Ablation, Baseline, baseline};
use saturing::worker::checks::Checks;
use saturing::worker::{Control, Job};
use saturing::workload::{Kind, Layout, RequestSet};

struct Arguments {
    address: SocketAddr,
    connections: usize,
    pipeline: u32,
    seconds: f64,
    cpu: Option<usize>,
    buffers: Option<u16>,
    buffer_bytes: Option<usize>,
    features: Features,
    level: Option<Level>,
    sqpoll: Option<Sqpoll>,
    napi_us: Option<u32>,
}

fn arguments() -> Result<Arguments, String> {
    let mut words = std::env::args().skip(1);
    let address = words.next().ok_or("an ADDRESS:PORT is needed")?;
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    let mut all = Arguments {
        address,
        connections: 64,
        pipeline: 1,
        seconds: 2.0,
        cpu: None,
        buffers: None,
        buffer_bytes: None,
        features: Features::ALL,
        level: None,
        sqpoll: None,
        napi_us: None,
    };
    fn number<T: std::str::FromStr>(name: &str, text: Option<String>) -> Result<T, String> {
        text.as_deref().and_then(|text| text.parse().ok()).ok_or(format!("{name} needs a number, got {text:?}"))
    }
    while let Some(name) = words.next() {
        let value = words.next();
        match name.as_str() {
            "-c" => all.connections = number(&name, value)?,
            "-p" => all.pipeline = number(&name, value)?,
            "-d" => all.seconds = number(&name, value)?,
            "--cpu" => all.cpu = Some(number(&name, value)?),
            "--buffers" => all.buffers = Some(number(&name, value)?),
            "--buffer-bytes" => all.buffer_bytes = Some(number(&name, value)?),
            "--level" => {
                let known = Level::ALL.into_iter().find(|level| Some(level.as_str()) == value.as_deref());
                all.level = Some(known.ok_or(format!("--level knows no {value:?}"))?);
            }
            "--sqpoll" => all.sqpoll = Some(Sqpoll::Cpu(number(&name, value)?)),
            "--napi" => all.napi_us = Some(number(&name, value)?),
            "--off" => *feature(&mut all.features, value.as_deref().unwrap_or_default())? = false,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(all)
}

fn feature<'a>(features: &'a mut Features, name: &str) -> Result<&'a mut bool, String> {
    Ok(match name {
        "defer_taskrun" => &mut features.defer_taskrun,
        "no_sqarray" => &mut features.no_sqarray,
        "abs_timer" => &mut features.abs_timer,
        "ring_fd" => &mut features.ring_fd,
        "submit_all" => &mut features.submit_all,
        "buffer_ring" => &mut features.buffer_ring,
        "multishot" => &mut features.multishot,
        "cqe_skip" => &mut features.cqe_skip,
        _ => return Err(format!("--off knows no feature {name:?}")),
    })
}

/// Bytes of the server's answer, which ends the connection that it is asked on.
fn answer_bytes(address: SocketAddr, request: &[u8]) -> std::io::Result<u64> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request)?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let (read, mut parser) = (stream.read(&mut buffer)?, Parser::default());
        answer.extend_from_slice(&buffer[..read]);
        match parser.feed(&answer, &mut Heads::of_one(false)) {
            (length, Step::Whole(_)) => return Ok(length as u64),
            (_, Step::Partial) if read > 0 => {}
            _ => return Err(std::io::Error::other("the server's answer is no HTTP, or not whole")),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let all = arguments()?;
    let authority = all.address.to_string();
    let spec = RequestSpec { method: "GET", authority: &authority, path: "/", headers: &[], body: b"" };
    let set = Arc::new(RequestSet::of_one(&Request::encode(&spec)?, Kind::default()));
    let layout = Layout::new(Arc::clone(&set), all.pipeline);
    let answer_bytes = answer_bytes(all.address, set.bytes_of(&set.entries[0], false))?;
    let base = Config::for_slots(all.connections);
    let config = Config {
        features: all.features,
        level: all.level,
        sqpoll: all.sqpoll,
        napi_us: all.napi_us,
        buffers: all.buffers.unwrap_or(base.buffers),
        buffer_bytes: all.buffer_bytes.unwrap_or(base.buffer_bytes),
        ..base
    };
    let endpoints = Endpoints { remotes: vec![all.address.into()], sources: vec![], resets: false };
    let idle = Idle::build(config, 0, Arc::clone(layout.memory()), endpoints)?;
    if let Some(cpu) = all.cpu {
        cpu::pin(cpu);
    }
    let mut ring = idle.enable()?;
    let job = Job {
        tls: None,
        connections: all.connections,
        first_connection: 0,
        remotes: 1,
        pipeline: all.pipeline,
        requests_per_connection: None,
        resets: false,
        timeout_ns: 10_000_000_000,
        drain_ns: 0,
        halted_drain_ns: 0,
        open: None,
        warmup_ns: 0,
        interval_ns: 1_000_000_000,
        duration_ns: Some((all.seconds * 1e9) as u64),
        requests: None,
        patience_ns: None,
        layout,
        checks: Checks::default(),
        worker: (0, 1),
        unrecorded: false,
        unix_ns: 0,
    };
    let Baseline { requests, elapsed_ns, mut used, ring, .. } =
        baseline(&job, Ablation::All, answer_bytes, &mut ring, &Control::default())?;
    used.system_s += ring.sqpoll_ns as f64 / 1e9;
    println!(
        "{{\"requests\":{requests},\"rate_per_s\":{:.0},\"cpu_ns_per_request\":{:.1},\"user_ns_per_request\":{:.1},\"requests_per_enter\":{:.2},\"recv_starved\":{}}}",
        requests as f64 * 1e9 / elapsed_ns as f64,
        (used.user_s + used.system_s) * 1e9 / requests as f64,
        used.user_s * 1e9 / requests as f64,
        requests as f64 / ring.enters as f64,
        ring.recv_starved,
    );
    Ok(())
}
