//! From what was typed to what it means: the second stage, up to the plan.

mod engine;
mod load;
mod requests;
mod tls;
mod truth;

use super::args::{LoadArgs, ServeArgs};
use super::failure::Failure;
use super::outputs::{Format, Output};
use super::slo;
use crate::judge::slo::Slo;
use crate::plan::cpus::{Topology, parse_list};
use crate::plan::nic::Nic;
use crate::plan::units;
use crate::plan::{
    Ask, ClientIdentity, Error, Load, Open, Plan, RequestsSpec, Server, Target, TargetSpec, TlsOptions, Url, place,
    serving,
};
use crate::protocol::h1::request::asks_to_close;
use crate::target::{Listen, Routes, ServerIdentity, Truth};
use load::load;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run as it was asked for: every value read and within its rule, but no host resolved and
/// nothing placed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    /// What to do with the result.
    pub output: Output,
    /// What the result is held against.
    pub slo: Option<Slo>,
    urls: Vec<String>,
    ask: Ask,
    requests: RequestsSpec,
    unix_socket: Option<PathBuf>,
    sources: Vec<IpAddr>,
    tls: TlsOptions,
    engine: crate::engine::EngineOptions,
    /// Its number of connections is the placement's to decide.
    load: Load,
}

/// The built-in server alone, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedServe {
    /// Where it listens; port 0 is a free one.
    pub listen: Listen,
    cpus: Option<Vec<usize>>,
    /// What it runs on; never [`Name::TokioUring`](crate::engine::Name::TokioUring).
    pub engine: crate::engine::Name,
    /// Its known behaviour; `None`: it answers as fast as it can.
    pub truth: Option<Truth>,
    /// What it answers; `None`: the same to every request.
    pub routes: Option<Arc<Routes>>,
    /// It speaks TLS: with a certificate and key of files, or with its own.
    tls: Option<Option<ClientIdentity>>,
}

impl Typed {
    /// Reads what was typed; `stdin` only for `--body @-`.
    ///
    /// # Errors
    /// A value breaks its rule, two options contradict each other, or the body cannot be read.
    pub fn read(args: &LoadArgs, stdin: &mut dyn Read) -> Result<Typed, Failure> {
        let ask = Ask {
            threads: size("--threads", args.threads.as_deref())?,
            threads_per_core: size("--threads-per-core", args.threads_per_core.as_deref())?,
            connections: size("--connections", args.connections.as_deref())?,
            cpus: cpus(args.cpus.as_deref())?,
        };
        ask.check()?;
        let headers: Vec<_> = args.header.iter().map(|text| header(text)).collect::<Result<_, _>>()?;
        let load = load(args, &ask, asks_to_close(&headers))?;
        let ask = Ask { connections: ask.connections.or(load.steps.iter().map(|step| step.connections).max()), ..ask };
        load.check()?;
        let slo = args.slo.as_deref().map(slo::slo).transpose()?;
        if let Some(limit) = slo.as_ref().filter(|_| load.open.is_none()).and_then(Slo::send_lag) {
            let rule = "lag needs --rate or --stages, as requests of a closed loop are sent when their turn comes";
            return Err(Error::argument("--slo", rule, &limit.text).into());
        }
        Ok(Typed {
            urls: args.url.clone(),
            ask,
            unix_socket: unix_socket(args)?,
            sources: sources(&args.source_address)?,
            tls: tls::options(args)?,
            engine: engine::engine(args)?,
            load,
            output: Output { verbose: args.verbose, inputs: requests::inputs(args), ..output(args)? },
            slo,
            // Last, as it may read what somebody has to type.
            requests: requests::requests(args, headers, stdin)?,
        })
    }

    /// The URL as typed, the first of several, or that of a list; `None` asks for the built-in server.
    pub fn url(&self) -> Option<&str> {
        let somewhere = self.unix_socket.is_some().then_some("http://localhost/");
        self.urls.first().map(String::as_str).or_else(|| self.requests.own_url()).or(somewhere)
    }

    /// The same for another URL.
    ///
    /// # Errors
    /// It is no URL.
    pub fn at(&self, url: &str) -> Result<Typed, Error> {
        Url::parse(url)?;
        Ok(Typed { urls: vec![url.to_owned()], ..self.clone() })
    }

    /// The open loop that was asked for.
    pub fn open(&self) -> Option<&Open> {
        self.load.open.as_ref()
    }

    /// The CPUs the built-in server gets, before it runs and has a URL; [`Typed::plan`] comes to
    /// the same.
    ///
    /// # Errors
    /// As [`place`].
    pub fn server_cpus(&self, topology: &Topology) -> Result<Vec<usize>, Error> {
        Ok(place(topology, &self.ask, Server::BuiltIn)?.placement.server_cpus)
    }

    /// The plan of a run against `url`: the one typed, or the built-in server's.
    ///
    /// # Errors
    /// As [`Target::resolve`] and [`place`].
    pub fn plan(&self, url: &str, topology: &Topology) -> Result<Plan, Error> {
        let mut notes = Vec::new();
        let one = [url.to_owned()];
        let urls = if self.urls.len() > 1 { &self.urls[..] } else { &one };
        let spec = TargetSpec {
            urls,
            requests: &self.requests,
            unix_socket: self.unix_socket.as_deref(),
            sources: &self.sources,
            tls: &self.tls,
        };
        let target = Target::resolve(&spec, &mut notes)?;
        let server = match (self.url(), target.local) {
            (None, _) => Server::BuiltIn,
            (Some(_), true) => Server::ThisHost,
            (Some(_), false) => {
                let nic = Nic::towards(target.addresses[0], target.sources.first().copied());
                Server::Elsewhere { nic_node: nic.and_then(|nic| nic.node) }
            }
        };
        let placed = place(topology, &self.ask, server)?;
        notes.extend(placed.notes);
        let load = Load { connections: placed.connections, ..self.load.clone() };
        load.check()?;
        load.check_sequences(&target.requests)?;
        if let Some(slo) = &self.slo {
            slo::of_kinds(slo, &target.requests)?;
        }
        notes.extend(short_lived(&load));
        notes.extend(idle_warmup(&load));
        Ok(Plan { target, load, placement: placed.placement, engine: self.engine, notes })
    }
}

fn output(args: &LoadArgs) -> Result<Output, Error> {
    Output::read(
        args.latency,
        &[
            (Format::Json, args.json.as_deref()),
            (Format::Hgrm, args.hgrm.as_deref()),
            (Format::HdrLog, args.hdr_log.as_deref()),
            (Format::Timeseries, args.timeseries.as_deref()),
            (Format::Csv, args.csv.as_deref()),
        ],
    )
}

impl TypedServe {
    /// Reads what was typed.
    ///
    /// # Errors
    /// A value breaks its rule.
    pub fn read(args: &ServeArgs) -> Result<TypedServe, Failure> {
        let bad = |argument, rule: &str, given: &str| Error::argument(argument, rule, given);
        let port = args.port.as_deref().unwrap_or("0");
        let port = match port.parse::<u16>() {
            Ok(number) if port.bytes().all(|b| b.is_ascii_digit()) => number,
            _ => return Err(bad("--port", "must be 0 to 65535", port).into()),
        };
        let ip = match args.host.as_deref() {
            None => IpAddr::from(Ipv4Addr::LOCALHOST),
            Some(text) => {
                address(text).ok_or_else(|| bad("--host", "must be an IP address, as in 127.0.0.1 or ::1", text))?
            }
        };
        let tcp = [("--port", &args.port), ("--host", &args.host)];
        let listen = match &args.unix_socket {
            None => Listen::Tcp(SocketAddr::new(ip, port)),
            Some(path) => match tcp.into_iter().find_map(|(name, given)| Some((name, given.as_ref()?))) {
                Some((name, given)) => return Err(bad(name, "cannot be used with --unix-socket", given).into()),
                None if path.is_empty() => return Err(bad("--unix-socket", "must be a path", path).into()),
                None => Listen::Unix(path.into()),
            },
        };
        let engine = engine::of_server(args.engine.as_deref())?;
        Ok(TypedServe {
            listen,
            cpus: cpus(args.cpus.as_deref())?,
            engine,
            truth: truth::truth(args)?,
            routes: routes(args)?,
            tls: tls::of_server(args)?,
        })
    }

    /// What it shows of itself over TLS, if it speaks it.
    ///
    /// # Errors
    /// A file cannot be read or holds something else, or no key could be made.
    pub fn identity(&self) -> Result<Option<ServerIdentity>, Error> {
        let ip = match &self.listen {
            Listen::Tcp(address) if !address.ip().is_unspecified() => Some(address.ip()),
            _ => None,
        };
        let Some(files) = &self.tls else { return Ok(None) };
        let identity = match files {
            None => ServerIdentity::self_signed(ip),
            Some(files) => ServerIdentity::read(&files.certificate, &files.key),
        };
        identity.map(Some)
    }

    /// The CPUs it runs on.
    ///
    /// # Errors
    /// As [`serving`].
    pub fn cpus(&self, topology: &Topology) -> Result<Vec<usize>, Error> {
        serving(topology, self.cpus.as_deref())
    }
}

/// A unix socket, and nothing that only TCP has.
fn unix_socket(args: &LoadArgs) -> Result<Option<PathBuf>, Error> {
    let Some(path) = &args.unix_socket else { return Ok(None) };
    let of_tcp = [
        ("--source-address", args.source_address.first()),
        ("--napi", args.napi.as_ref()),
        ("--busy-poll", args.busy_poll.as_ref()),
    ];
    if args.reset {
        return Err(Error::argument("--reset", "is for TCP and cannot be used with --unix-socket", "both"));
    }
    if let Some((name, given)) = of_tcp.into_iter().find_map(|(name, given)| Some((name, given?))) {
        return Err(Error::argument(name, "is for TCP and cannot be used with --unix-socket", given));
    }
    match path.as_str() {
        "" => Err(Error::argument("--unix-socket", "must be a path", path)),
        path => Ok(Some(path.into())),
    }
}

fn routes(args: &ServeArgs) -> Result<Option<Arc<Routes>>, Error> {
    let Some(file) = &args.routes else { return Ok(None) };
    let routes = Routes::read(Path::new(file)).map_err(|rule| Error::argument("--routes", rule, file))?;
    Ok(Some(Arc::new(routes)))
}

/// A warm-up has the first rate, and warms nothing where that is none.
fn idle_warmup(load: &Load) -> Option<String> {
    let first = load.open.as_ref()?.stages.first()?;
    (first.from_per_s == 0.0 && !load.warmup.is_zero())
        .then(|| "the warm-up sends nothing: it has the first rate, which is 0".to_owned())
}

/// Connections that end before their pipeline is full are worth a word.
fn short_lived(load: &Load) -> Option<String> {
    let most = load.requests_per_connection?;
    let deep = u64::try_from(load.pipeline).is_ok_and(|pipeline| pipeline > most);
    deep.then(|| format!("at most {most} in flight on a connection, not {}: it ends then", load.pipeline))
}

pub(super) fn size(argument: &'static str, text: Option<&str>) -> Result<Option<usize>, Error> {
    let Some(text) = text else { return Ok(None) };
    let count = units::count(argument, text)?;
    let size = usize::try_from(count);
    size.map(Some).map_err(|_| Error::argument(argument, "is too large a number", text))
}

fn cpus(text: Option<&str>) -> Result<Option<Vec<usize>>, Error> {
    let Some(text) = text else { return Ok(None) };
    let reversed = |part: &str| {
        let (from, to) = part.split_once('-')?;
        let (first, last) = (from.parse::<usize>().ok()?, to.parse::<usize>().ok()?);
        (first > last).then(|| format!("{from}-{to} is reversed, a range goes up as in {to}-{from}"))
    };
    parse_list(text).map(Some).ok_or_else(|| {
        let rule = text.split(',').find_map(reversed);
        Error::argument("--cpus", rule.unwrap_or_else(|| "must be a list of CPUs, as in 0,2-5".into()), text)
    })
}

fn header(text: &str) -> Result<(String, String), Error> {
    let bad = |rule: &str| Error::argument("--header", rule, text);
    if text.contains(['\r', '\n', '\0']) {
        return Err(bad("must be one line"));
    }
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned())),
        _ => Err(bad("must be 'Name: value'")),
    }
}

fn body(text: &str, stdin: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let unreadable = |cause: std::io::Error| Error::argument("--body", format!("cannot be read ({cause})"), text);
    match text.strip_prefix('@') {
        None => Ok(text.as_bytes().to_vec()),
        Some("") => Err(Error::argument("--body", "must be TEXT, @FILE or @-", text)),
        Some("-") => {
            let mut body = Vec::new();
            stdin.read_to_end(&mut body).map_err(unreadable)?;
            Ok(body)
        }
        Some(file) => std::fs::read(file).map_err(unreadable),
    }
}

fn sources(lists: &[String]) -> Result<Vec<IpAddr>, Error> {
    let mut sources = Vec::new();
    for text in lists.iter().flat_map(|list| list.split(',')) {
        let rule = "must be IP addresses of this host, as in 127.0.0.1,127.0.0.2";
        let source = address(text).ok_or_else(|| Error::argument("--source-address", rule, text))?;
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    Ok(sources)
}

/// An IP address; an IPv6 one may have the brackets of a URL.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse().ok().filter(IpAddr::is_ipv6),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
