//! The state machine alone: events in, what is to be done and what was counted out.

mod outcomes;
mod rules;

use super::*;
use crate::measure::counters::{Anomalies, ConnectFailure, Errors, Failure};
use crate::measure::schedule::Schedule;
use crate::measure::stop::Stop;
use crate::measure::tally::Tally;
use crate::protocol::h1::response::{Heads, ProtocolError};
use crate::worker::connection::{Connection, Next, Shared, State};
use crate::worker::flights::{Flights, Run};

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
struct Bench {
    job: Job,
    connection: Connection,
    flights: Flights,
    heads: Heads,
    tally: Tally,
    schedule: Schedule,
    stop: Stop,
    now: u64,
}

impl Bench {
    fn new(job: Job) -> Bench {
        Bench {
            connection: Connection::new(0),
            flights: Flights::new(1, job.pipeline),
            heads: Heads::new(false),
            tally: Tally::new(),
            schedule: Schedule::Closed,
            stop: Stop::new(None, Some(BUDGET)),
            now: 0,
            job,
        }
    }

    /// Sends so many requests; true when the last of them asks for the connection's end.
    fn sends(&mut self, count: u32) -> bool {
        self.with(|connection, now, runs, shared| {
            let closes = connection.sent(count, now, runs, shared);
            connection.stamp(now, runs, shared.tally, false);
            closes
        })
    }

    fn with<T>(&mut self, tell: impl FnOnce(&mut Connection, u64, &mut [Run], &mut Shared<'_>) -> T) -> T {
        let (job, heads, tally, stop) = (&self.job, &mut self.heads, &mut self.tally, &mut self.stop);
        let shared = &mut Shared { job, heads, tally, schedule: &mut self.schedule, stop };
        tell(&mut self.connection, self.now, self.flights.of(0), shared)
    }

    fn happens(&mut self, event: &Event) -> Next {
        self.now += MS;
        match event {
            Later(ms) => {
                self.now += ms * MS;
                return Next::Nothing;
            }
            Sent(count) => {
                assert_eq!(self.stop.claim(*count), *count);
                self.sends(*count);
                return Next::Nothing;
            }
            _ => {}
        }
        self.with(|connection, now, runs, shared| tell(event, connection, now, runs, shared))
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
        let Tally { requests, errors, anomalies, connections, .. } = &self.tally;
        let Errors { reset, eof_mid_response, timeout, protocol, other } = *errors;
        let Anomalies { excess_bytes, reset_after_response, close_unannounced } = *anomalies;
        let counts = [
            ("completed", requests.completed),
            ("reset", reset),
            ("eof_mid_response", eof_mid_response),
            ("timeout", timeout),
            ("protocol", protocol),
            ("other", other),
            ("discarded", requests.discarded),
            ("excess_bytes", excess_bytes),
            ("reset_after_response", reset_after_response),
            ("close_unannounced", close_unannounced),
            (
                "no_connect",
                connections.refused
                    + connections.timeout
                    + connections.no_local_port
                    + connections.no_descriptor
                    + connections.other,
            ),
            ("idle_closed", connections.idle_closed),
            ("in_flight", u64::from(self.connection.in_flight)),
        ];
        words.extend(counts.iter().filter(|count| count.1 > 0).map(|(name, count)| format!("{name}={count}")));
        words.join(" ")
    }

    /// Sent requests are either accounted for or back in the budget.
    fn adds_up(&mut self, sent: u64) {
        let requests = self.tally.requests;
        let in_flight = u64::from(self.connection.in_flight);
        assert_eq!(sent, requests.completed + requests.failed + requests.discarded + in_flight);
        let left = u64::from(self.stop.claim(u32::MAX));
        assert_eq!(left, BUDGET - requests.completed - requests.failed - in_flight, "the budget");
        self.tally.settle();
        assert_eq!(self.tally.latencies.service().count(), requests.completed);
    }
}

fn tell(event: &Event, connection: &mut Connection, now: u64, runs: &mut [Run], shared: &mut Shared<'_>) -> Next {
    match event {
        Later(_) | Sent(_) => unreachable!("the bench's own"),
        Connects => connection.connecting(now),
        Connected => return connection.connected(now, shared),
        ConnectFails(failure) => return connection.connect_failed(*failure, now, shared),
        Arrives(bytes) => return connection.receive(bytes.as_bytes(), now, runs, shared),
        Ends => return connection.end(None, now, runs, shared),
        Breaks(failure) => return connection.end(Some(*failure), now, runs, shared),
        SendFails(failure) => connection.send_failed(*failure),
        Expires => return connection.expire(now, runs, shared),
        Closed => connection.closed(None, shared.heads),
    }
    Next::Nothing
}

/// Each case: what happens to an open connection, and what is told after the last of it.
fn holds(job: &Job, table: &[(&[Event], &str)]) {
    for (events, expected) in table {
        let mut bench = Bench::new(job.clone());
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
