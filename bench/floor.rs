//! The floor: what the ring and the kernel cost when a client does nothing else (`worker::bare`), with the features and sizes of
//! the ring as they are asked for. What saturing costs above this is saturing's own.
//!
//! `cargo run --release --example floor -- ADDRESS:PORT [-c N] [-p N] [-d SECONDS] [--cpu N] [--want N] [--min-wait-us N]
//! [--buffers N] [--buffer-bytes N] [--off FEATURE]... [--level LEVEL] [--sqpoll CPU] [--napi USEC]`; prints one JSON object.
//! Features: defer_taskrun no_sqarray abs_timer ring_fd submit_all multishot buffer_ring cqe_skip.

use std::net::SocketAddr;
use std::sync::Arc;

use saturing::measure::clock::Monotonic;
use saturing::ring::{Config, Endpoints, Features, Idle, Level, Sqpoll, cpu};
use saturing::worker::Halt;
use saturing::worker::bare::{Bare, Bared, Extras, bare};

struct Arguments {
    address: SocketAddr,
    connections: usize,
    pipeline: u32,
    seconds: f64,
    cpu: Option<usize>,
    want: usize,
    min_wait_us: u32,
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
        want: 1,
        min_wait_us: 0,
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
            "--want" => all.want = number(&name, value)?,
            "--min-wait-us" => all.min_wait_us = number(&name, value)?,
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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let all = arguments()?;
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", all.address).into_bytes();
    let payload: Arc<[u8]> = request.repeat(all.pipeline as usize).into();
    let base = Config::for_slots(all.connections);
    let config = Config {
        min_wait_us: all.min_wait_us,
        features: all.features,
        level: all.level,
        sqpoll: all.sqpoll,
        napi_us: all.napi_us,
        buffers: all.buffers.unwrap_or(base.buffers),
        buffer_bytes: all.buffer_bytes.unwrap_or(base.buffer_bytes),
        ..base
    };
    let endpoints = Endpoints { remotes: vec![all.address.into()], sources: vec![], resets: false };
    let idle = Idle::build(config, 0, payload, endpoints)?;
    if let Some(cpu) = all.cpu {
        cpu::pin(cpu);
    }
    let mut ring = idle.enable()?;
    let job = Bare {
        connections: all.connections,
        first_connection: 0,
        remotes: 1,
        pipeline: all.pipeline,
        request_bytes: request.len(),
        warmup_ns: 0,
        duration_ns: (all.seconds * 1e9) as u64,
        want: all.want,
    };
    let Bared { requests, elapsed_ns, mut used, ring, .. } =
        bare(&job, Extras::None, &mut ring, &Monotonic, &Halt::new(0))?;
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
