//! The server with a known behaviour: each answer leaves at an instant that theory gives, so that what a client measures can
//! be held against it, and a log tells what became of each request.
//!
//! The plain server's loop knows nothing of this; which of the two runs is decided before the start.

mod log;
mod timetable;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::Served;
use super::answers::{Answers, BATCH, Kind};
use super::requests::{Repeated, Requests};
use super::routes::Routes;
use crate::measure::clock::{Clock, Monotonic};
use crate::ring::{Acceptor, Completion, Wait};
use log::{Line, Log, LogFile};
use timetable::Timetable;
pub use timetable::{Behaviour, Pause, Service};

/// How long a wait may keep the stop flag from being seen.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long (ns) before a departure the loop stays awake: most waits end later than asked by less than this.
const AWAKE_NS: u64 = 50_000;

/// Nothing leaves for so long (ns): time to write a piece of the log.
const QUIET_NS: u64 = 200_000;

/// What is known of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// When answers leave.
    pub behaviour: Behaviour,
    /// Where a line is written for each request.
    pub log: Option<PathBuf>,
}

/// What all threads of a server have in common.
pub(super) struct Shared {
    behaviour: Behaviour,
    log: Option<Arc<LogFile>>,
    /// When the first connection was accepted, ns; `u64::MAX`: not yet.
    origin: AtomicU64,
    connections: AtomicU64,
}

impl Shared {
    /// Makes the log.
    ///
    /// # Errors
    /// It cannot be opened; its path, and why.
    pub(super) fn new(truth: &Truth) -> Result<Shared, (PathBuf, io::Error)> {
        let create = |path: &PathBuf| LogFile::create(Path::new(path)).map_err(|error| (path.clone(), error));
        Ok(Shared {
            behaviour: truth.behaviour,
            log: truth.log.as_ref().map(create).transpose()?.map(Arc::new),
            origin: AtomicU64::new(u64::MAX),
            connections: AtomicU64::new(0),
        })
    }

    /// Lines of the log could not be written.
    pub(super) fn log_failed(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.failed())
    }
}

/// A request that was received and not yet answered.
struct Owed {
    slot: u32,
    connection: u64,
    peer_port: u16,
    sequence: u64,
    id: Box<[u8]>,
    kind: Kind,
    received: u64,
}

#[derive(Default)]
struct Peer {
    requests: Requests,
    /// Number of the connection; `None`: it is closed, and the slot free.
    connection: Option<u64>,
    port: u16,
    /// Requests received.
    received: u64,
    /// When the latest of its answers leaves.
    last_leaves: u64,
    /// Answers that have not been sent, due or not.
    owed: u64,
    /// Answers that may leave as soon as the send on its way is done.
    due: VecDeque<Owed>,
    sending: bool,
    /// The connection ends with the send on its way.
    closing: bool,
    /// The peer closed its side: what is owed is still sent, then the connection ends.
    half_closed: bool,
    queued: bool,
}

struct Loop<'a, R> {
    ring: R,
    shared: &'a Shared,
    peers: Vec<Peer>,
    /// In the order in which they leave: by instant, and of one instant by reception.
    departures: BTreeMap<(u64, u64), Owed>,
    /// How many there were.
    departed: u64,
    routes: Option<Arc<Routes>>,
    to_send: Vec<u32>,
    timetable: Timetable,
    answers: Answers,
    repeated: Repeated,
    log: Option<Log>,
    served: Served,
}

/// Runs the `thread`-th (from 0) thread until `stop` is set.
pub(super) fn run<R: Acceptor>(
    ring: R,
    stop: &AtomicBool,
    (shared, thread): (&Shared, u64),
    routes: Option<Arc<Routes>>,
) -> Served {
    let mut this = Loop {
        ring,
        shared,
        peers: Vec::new(),
        departures: BTreeMap::new(),
        departed: 0,
        to_send: Vec::new(),
        timetable: Timetable::new(shared.behaviour, thread),
        answers: Answers::new(SystemTime::now(), routes.clone()),
        repeated: Repeated::new(routes.clone()),
        log: shared.log.clone().map(Log::new),
        served: Served::of(routes.as_deref()),
        routes,
    };
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = this.turn() {
            eprintln!("saturing: server: the ring failed: {error}");
            break;
        }
    }
    this.finish();
    this.served
}

impl<R: Acceptor> Loop<'_, R> {
    fn turn(&mut self) -> io::Result<()> {
        self.answers.refresh(SystemTime::now());
        let now = Monotonic.now();
        while self.departures.first_key_value().is_some_and(|((leaves, _), _)| *leaves <= now) {
            self.depart();
        }
        let idle = self.to_send.is_empty();
        for at in 0..self.to_send.len() {
            self.send(self.to_send[at]);
        }
        self.to_send.clear();
        let next = self.departures.first_key_value().map_or(u64::MAX, |((leaves, _), _)| *leaves);
        self.write_log(idle && next > now + QUIET_NS);
        if next <= now + AWAKE_NS {
            self.ring.enter(0, Wait::NONE)?;
        } else {
            let patience = Wait::lasting(now, PATIENCE);
            self.ring.enter(1, Wait { until: patience.until.min(next - AWAKE_NS), ..patience })?;
        }
        // Everything the enter handed over came before this instant, and after the last enter returned.
        self.reap(Monotonic.now());
        Ok(())
    }

    fn write_log(&mut self, quiet: bool) {
        if let Some(log) = &mut self.log {
            if quiet {
                log.write_some();
            }
            log.bound();
        }
    }

    /// The first answer's instant has come.
    fn depart(&mut self) {
        let Some((_, owed)) = self.departures.pop_first() else {
            return;
        };
        let peer = &mut self.peers[owed.slot as usize];
        if peer.connection != Some(owed.connection) {
            write_line(&mut self.log, &owed, None);
            return;
        }
        let slot = owed.slot;
        peer.due.push_back(owed);
        self.queue(slot);
    }

    /// Sends the answers of `slot` that are due, as many as are alike.
    fn send(&mut self, slot: u32) {
        let peer = &mut self.peers[slot as usize];
        peer.queued = false;
        if peer.sending || peer.connection.is_none() {
            return;
        }
        let Some(kind) = peer.due.front().map(|owed| owed.kind) else {
            return;
        };
        let most = if kind == Kind::Hello { BATCH as usize } else { 1 };
        let count = peer.due.iter().take(most).take_while(|owed| owed.kind == kind).count();
        // Before the kernel has them: what the client sees can only be later.
        let now = Monotonic.now();
        peer.due.drain(..count).for_each(|owed| write_line(&mut self.log, &owed, Some(now)));
        peer.owed -= count as u64;
        peer.sending = true;
        peer.closing = kind.closes() || (peer.half_closed && peer.owed == 0);
        let (block, range) = self.answers.get(kind, count as u32);
        self.ring.send_shared(slot, block, range);
    }

    fn reap(&mut self, now: u64) {
        while let Some(completion) = self.ring.next() {
            match completion {
                Completion::Accepted { slot } => self.accept(slot, now),
                Completion::Received { slot, bytes } => {
                    let peer = &mut self.peers[slot as usize];
                    let Peer { requests, connection, port, received, owed, last_leaves, .. } = peer;
                    let (departures, timetable, served) = (&mut self.departures, &mut self.timetable, &mut self.served);
                    let (departed, routes) = (&mut self.departed, self.routes.as_deref());
                    let before = *received;
                    requests.feed(bytes, &mut self.repeated, &mut |kind, count, id| {
                        served.count(kind, count);
                        for _ in 0..count {
                            // Answers on a connection keep the order of their requests.
                            let leaves = timetable.departure(now) + delay_ns(kind, routes);
                            *last_leaves = leaves.max(*last_leaves);
                            *departed += 1;
                            departures.insert(
                                (*last_leaves, *departed),
                                Owed {
                                    slot,
                                    connection: connection.unwrap_or_default(),
                                    peer_port: *port,
                                    sequence: *received,
                                    id: id.into(),
                                    kind,
                                    received: now,
                                },
                            );
                            *received += 1;
                        }
                    });
                    *owed += *received - before;
                }
                Completion::Sent { slot, result } => {
                    let peer = &mut self.peers[slot as usize];
                    peer.sending = false;
                    if peer.closing || result.is_err() {
                        self.hang_up(slot);
                    } else {
                        self.queue(slot);
                    }
                }
                Completion::Ended { slot, error } => {
                    let peer = &mut self.peers[slot as usize];
                    // A peer that only closed its own side still gets what it is owed.
                    if error.is_some() || (!peer.sending && peer.owed == 0) {
                        self.hang_up(slot);
                    } else {
                        peer.half_closed = true;
                        peer.closing |= peer.owed == 0;
                    }
                }
                Completion::Connected { .. } | Completion::ConnectFailed { .. } | Completion::SendFailed { .. } => {}
            }
        }
    }

    fn accept(&mut self, slot: u32, now: u64) {
        if self.peers.len() <= slot as usize {
            self.peers.resize_with(slot as usize + 1, Peer::default);
        }
        let shared = self.shared;
        // Whichever thread was first, all of them pause together.
        let set = shared.origin.compare_exchange(u64::MAX, now, Ordering::Relaxed, Ordering::Relaxed);
        self.timetable.begin(set.map_or_else(|origin| origin, |_| now));
        self.peers[slot as usize] = Peer {
            connection: Some(shared.connections.fetch_add(1, Ordering::Relaxed)),
            port: self.ring.peer(slot).map_or(0, |address| address.port()),
            ..Peer::default()
        };
        self.served.connections += 1;
    }

    /// Ends a connection. Those of its requests that wait for their instant are found without it then.
    fn hang_up(&mut self, slot: u32) {
        let peer = std::mem::take(&mut self.peers[slot as usize]);
        peer.due.iter().for_each(|owed| write_line(&mut self.log, owed, None));
        self.ring.hang_up(slot);
    }

    fn queue(&mut self, slot: u32) {
        let peer = &mut self.peers[slot as usize];
        if !peer.queued && !peer.sending && !peer.due.is_empty() {
            peer.queued = true;
            self.to_send.push(slot);
        }
    }

    /// Closes everything; whatever was received has its line.
    fn finish(&mut self) {
        self.ring.stop_listening();
        for slot in 0..self.peers.len() as u32 {
            let due = std::mem::take(&mut self.peers[slot as usize].due);
            due.iter().for_each(|owed| write_line(&mut self.log, owed, None));
            self.ring.close(slot);
        }
        self.departures.values().for_each(|owed| write_line(&mut self.log, owed, None));
        if let Some(log) = &mut self.log {
            log.finish();
        }
    }
}

/// What the route of an answer adds to its way.
fn delay_ns(kind: Kind, routes: Option<&Routes>) -> u64 {
    let Kind::Routed(route, _) = kind else { return 0 };
    let route = routes.and_then(|routes| routes.all().get(usize::from(route)));
    route.map_or(0, |route| u64::try_from(route.delay.as_nanos()).unwrap_or(u64::MAX / 4))
}

fn write_line(log: &mut Option<Log>, owed: &Owed, sent: Option<u64>) {
    let Some(log) = log else {
        return;
    };
    log.add(&Line {
        connection: owed.connection,
        peer_port: owed.peer_port,
        sequence: owed.sequence,
        id: &owed.id,
        received: owed.received,
        sent,
    });
}
