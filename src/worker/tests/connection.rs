//! The state machine alone: events in, what is to be done and what was counted out.

mod outcomes;
mod rules;

use super::*;
use crate::measure::counters::{Anomalies, ConnectFailure, Errors};
use crate::measure::schedule::Schedule;
use crate::measure::stop::Stop;
use crate::protocol::Growing;
use crate::protocol::h1::response::Heads;
use crate::protocol::{Asked, Failure, H1, Protocol, ProtocolError};
use crate::worker::connection::{Connection, Next, State};
use crate::worker::fake::Fake;
use crate::worker::in_flight::{Batch, BatchMemory};
use crate::worker::outgoing::Outgoing;
use crate::worker::shared::Shared;
use crate::worker::stalls::Stalls;
use crate::worker::stats::WorkerStats;
use crate::workload::Workload;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LAST: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
const UNTIL_END: &str = "HTTP/1.0 200 OK\r\n\r\nok";
const PART: &str = "HTTP/1.1 200 OK\r\nContent-Le";
const INTERIM: &str = "HTTP/1.1 103 Early Hints\r\n\r\n";
const BAD_LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n";

/// The budget of every case, to see what is claimed and put back.
const BUDGET: u64 = 1_000;

/// What happens to a connection, a millisecond after what happened before.
#[derive(Debug, Clone)]
enum Event {
    /// More time passes, ms.
    Later(u64),
    Connects,
    Connected,
    ConnectFails(ConnectFailure),
    /// So many requests go out.
    Sent(u32),
    Arrives(String),
    Ends,
    Breaks(Failure),
    SendFails(Failure),
    /// Its deadline has come.
    Expires,
    Closed,
}
use Event::*;

fn arrives(parts: &[&str]) -> Event {
    Arrives(parts.concat())
}

/// One connection with what it shares with others.
struct Bench<'a> {
    connection: Connection<H1>,
    batches: BatchMemory,
    heads: Heads,
    shared: Shared<'a>,
    now: u64,
}

impl<'a> Bench<'a> {
    fn new(job: &'a Job) -> Bench<'a> {
        Bench {
            connection: Connection::new(0, job),
            batches: BatchMemory::new(1, job.pipeline),
            heads: Heads::new(1),
            shared: Shared {
                job,
                stats: WorkerStats::new(),
                schedule: Schedule::Closed,
                stop: Stop::new(None, Some(BUDGET)),
                workload: Workload::new(&job.layout, (0, 1), 0),
                stalls: Stalls::new(),
                plain: true,
            },
            now: 0,
        }
    }

    /// Sends so many requests.
    fn sends(&mut self, count: u32) {
        let (now, batches) = (self.now, self.batches.of(0));
        let batch = Batch { count: count as u16, ..Batch::default() };
        self.connection.policy.sent(batch, now, batches, &mut self.shared);
        let mut ring = Fake::new(0, self.shared.job.clone(), Behaviour::good());
        let mut out = Outgoing::new(&mut ring, &[]);
        assert!(self.connection.protocol.request(Asked::default(), count, 0..1, &mut out));
        self.connection.policy.stamp(now, batches, &mut self.shared.stats, false);
    }

    fn happens(&mut self, event: &Event) -> Next {
        self.now += MS;
        match event {
            Later(ms) => {
                self.now += ms * MS;
                return Next::Nothing;
            }
            Sent(count) => {
                assert_eq!(self.shared.stop.claim(*count), *count);
                self.sends(*count);
                return Next::Nothing;
            }
            _ => {}
        }
        self.tell(event)
    }

    fn tell(&mut self, event: &Event) -> Next {
        let Bench { connection, batches, heads, shared, now } = self;
        let (now, batches, out) = (*now, batches.of(0), &mut Growing::default());
        let next = match event {
            Later(_) | Sent(_) => unreachable!("the bench's own"),
            Connects => {
                connection.policy.connecting(now);
                Next::Nothing
            }
            Connected => connection.connected(now, shared, heads, out),
            ConnectFails(failure) => connection.policy.connect_failed(*failure, now, shared),
            Arrives(bytes) => connection.receive(&mut bytes.clone().into_bytes(), now, batches, shared, heads, out),
            Ends => connection.end(None, now, batches, shared, heads),
            Breaks(failure) => connection.end(Some(*failure), now, batches, shared, heads),
            SendFails(failure) => {
                connection.policy.send_failed(*failure);
                Next::Nothing
            }
            Expires => connection.expire(now, batches, shared),
            Closed => {
                connection.closed(None, heads);
                Next::Nothing
            }
        };
        assert!(out.is_empty(), "HTTP/1.1 says nothing by itself");
        next
    }

    /// What the last of them asks for.
    fn all_of(&mut self, events: &[Event]) -> Next {
        events.iter().map(|event| self.happens(event)).last().expect("an event")
    }

    /// What is to be done, with a pause in ms, and all that was counted.
    fn tells(&mut self, next: Next) -> String {
        let mut words = vec![match next {
            Next::ReopenAt(at) => format!("ReopenAt(+{})", (at - self.now) / MS),
            next => format!("{next:?}"),
        }];
        let WorkerStats { requests, errors, anomalies, connections, .. } = &self.shared.stats;
        let Errors { reset, eof_mid_response, timeout, protocol, check, tls, other } = *errors;
        let Anomalies { excess_bytes, reset_after_response, close_unannounced } = *anomalies;
        let counts = [
            ("completed", requests.completed),
            ("reset", reset),
            ("eof_mid_response", eof_mid_response),
            ("timeout", timeout),
            ("protocol", protocol),
            ("check", check),
            ("tls", tls),
            ("other", other),
            ("discarded", requests.discarded),
            ("excess_bytes", excess_bytes),
            ("reset_after_response", reset_after_response),
            ("close_unannounced", close_unannounced),
            ("no_connect", connections.failed.total()),
            ("idle_closed", connections.idle_closed),
            ("in_flight", u64::from(self.connection.policy.in_flight)),
        ];
        words.extend(counts.iter().filter(|count| count.1 > 0).map(|(name, count)| format!("{name}={count}")));
        words.join(" ")
    }

    /// Sent requests are either accounted for or back in the budget.
    fn adds_up(&mut self, sent: u64) {
        let requests = self.shared.stats.requests;
        let in_flight = u64::from(self.connection.policy.in_flight);
        assert_eq!(sent, requests.completed + requests.failed + requests.discarded + in_flight);
        let left = u64::from(self.shared.stop.claim(u32::MAX));
        assert_eq!(left, BUDGET - requests.completed - requests.failed - in_flight, "the budget");
        self.shared.stats.settle();
        assert_eq!(self.shared.stats.latencies.service().count(), requests.completed);
    }
}

/// Each case: what happens to an open connection, and what is told after the last of it.
fn holds(job: &Job, table: &[(&[Event], &str)]) {
    for (events, expected) in table {
        let mut bench = Bench::new(job);
        let opened = bench.all_of(&[Connects, Connected]);
        let next = if events.is_empty() { opened } else { bench.all_of(events) };
        assert_eq!(bench.tells(next), *expected, "{events:?}");
        let sent = events.iter().map(|event| if let Sent(count) = event { u64::from(*count) } else { 0 });
        bench.adds_up(sent.sum());
    }
}

fn deep() -> Job {
    Job { pipeline: 8, ..job() }
}
