//! The floor: what the ring and the kernel cost when a client does nothing else. It connects, sends and counts bytes; it
//! parses nothing and stamps nothing. What saturing costs above this is saturing's own.
//!
//! `cargo run --release --example floor -- ADDRESS:PORT [-c N] [-p N] [-d SECONDS] [--cpu N] [--want N] [--min-wait-us N]
//! [--buffers N] [--buffer-bytes N] [--off FEATURE]... [--level LEVEL] [--sqpoll CPU] [--napi USEC]`; prints one JSON object.
//! Features: defer_taskrun no_sqarray abs_timer ring_fd submit_all multishot buffer_ring cqe_skip.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use saturing::measure::clock::{Clock, Monotonic};
use saturing::ring::{Completion, Config, Endpoints, Features, Idle, Level, Ring, Sqpoll, Wait, cpu};

struct Arguments {
    address: SocketAddr,
    connections: usize,
    pipeline: u64,
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

/// Bytes of one answer, from one request over a plain socket: the server is taken to answer always the same length.
fn answer_bytes(address: SocketAddr, request: &[u8]) -> std::io::Result<u64> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    stream.write_all(request)?;
    let mut all = Vec::new();
    let mut part = [0; 65536];
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&part[..count]),
            Err(_) => break,
        }
    }
    Ok(all.len() as u64)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let all = arguments()?;
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", all.address).into_bytes();
    let answer = answer_bytes(all.address, &request)?;
    if answer == 0 {
        return Err("the server did not answer".into());
    }
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
    let endpoints = Endpoints { remotes: vec![all.address], sources: vec![] };
    if let Some(cpu) = all.cpu {
        cpu::pin(cpu);
    }
    let mut ring = Idle::build(config, 0, Arc::clone(&payload), endpoints)?.enable()?;
    let mut missing = vec![0u64; all.connections];
    let mut to_send: Vec<u32> = Vec::with_capacity(all.connections);
    let mut to_open: Vec<u32> = (0..all.connections as u32).rev().collect();
    let (mut received, used, polled) = (0u64, cpu::of_this_thread(), ring.counters().sqpoll_ns);
    let start = Instant::now();
    let whole = answer * all.pipeline;
    while start.elapsed().as_secs_f64() < all.seconds {
        while ring.room() > 64
            && let Some(slot) = to_open.pop()
        {
            ring.connect(slot, 0)?;
        }
        while ring.room() > 1
            && let Some(slot) = to_send.pop()
        {
            ring.send(slot, 0..payload.len(), false);
        }
        ring.enter(all.want, Wait::lasting(Monotonic.now(), Duration::from_millis(20)))?;
        while let Some(completion) = ring.next() {
            match completion {
                Completion::Received { slot, bytes } => {
                    received += bytes.len() as u64;
                    let missing = &mut missing[slot as usize];
                    *missing = missing.saturating_sub(bytes.len() as u64);
                    if *missing == 0 {
                        *missing = whole;
                        to_send.push(slot);
                    }
                }
                Completion::Connected { slot } => {
                    missing[slot as usize] = whole;
                    to_send.push(slot);
                }
                other => return Err(format!("{other:?}").into()),
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let mut used = cpu::of_this_thread().since(used);
    let (requests, counters) = (received / answer, ring.counters());
    used.system_s += (counters.sqpoll_ns - polled) as f64 / 1e9;
    println!(
        "{{\"requests\":{requests},\"rate_per_s\":{:.0},\"cpu_ns_per_request\":{:.1},\"user_ns_per_request\":{:.1},\"requests_per_enter\":{:.2},\"recv_starved\":{}}}",
        requests as f64 / seconds,
        (used.user_s + used.system_s) * 1e9 / requests as f64,
        used.user_s * 1e9 / requests as f64,
        requests as f64 / counters.enters as f64,
        counters.recv_starved,
    );
    Ok(())
}
