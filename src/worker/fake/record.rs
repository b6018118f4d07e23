//! What happened, as kernel and server saw it. Counts are of the window: until the loop has to close it.

use std::collections::VecDeque;

use super::requests::Asked;
use super::server::Data;
use crate::measure::counters::Connections;
use crate::measure::histogram::Histogram;
use crate::worker::Job;

/// A slot's present connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    /// Which of the slot's connections it is; completions of another one are never handed out.
    pub(super) generation: u64,
    pub(super) is_open: bool,
    pub(super) connecting_since: Option<u64>,
    /// When each request was sent that has no whole answer yet, and of which kind it is.
    pub(super) unanswered: VecDeque<(u64, u16)>,
    /// When the first byte of the answer under way was read.
    first_byte_at: u64,
    requests: u64,
    /// Requests queued that are not submitted yet.
    pub(super) queued: usize,
    answers: u64,
    /// The end is a broken one, even if it looks orderly.
    send_failed: bool,
    /// The server's last move that is scheduled.
    pub(super) last_move_at: u64,
    /// A confirmed send is on its way.
    confirming: bool,
    /// The server takes no further request on this connection.
    pub(super) reads_no_more: bool,
    /// When it was opened, and when it was last answered, as the loop saw it.
    opened_at: u64,
    answered_at: u64,
}

impl Slot {
    pub(super) fn begin(&mut self, now: u64) {
        assert!(!self.is_open && self.connecting_since.is_none(), "a slot has one connection at a time");
        self.connecting_since = Some(now);
    }

    pub(super) fn close(&mut self) {
        *self = Slot { generation: self.generation + 1, ..Slot::default() };
    }

    pub(super) fn sends(&mut self, confirm: bool) {
        assert!(!self.confirming, "a send may overtake the rest of the one before it");
        self.confirming = confirm;
    }

    pub(super) fn sent(&mut self, whole: bool) {
        self.confirming = false;
        self.send_failed |= !whole;
    }

    /// Since when something is awaited that may time out.
    pub(super) fn waits_since(&self) -> Option<u64> {
        self.connecting_since.or(self.unanswered.front().map(|(sent_at, _)| *sent_at))
    }
}

#[derive(Debug)]
pub(in crate::worker) struct Record {
    /// The window is to be closed: nothing counts any more.
    pub(in crate::worker) over: bool,
    /// When the loop read the clock as the last enter returned.
    pub(super) reaped_at: u64,
    pub(in crate::worker) requests: u64,
    pub(in crate::worker) request_bytes: u64,
    /// Requests, answers and requests given up by kind.
    pub(in crate::worker) of_kind: Vec<[u64; 3]>,
    /// The numbers of the requests that the server has read.
    pub(in crate::worker) numbers: Vec<u64>,
    /// Whole answers handed to the loop.
    pub(in crate::worker) answers: u64,
    /// The same after the window.
    pub(in crate::worker) late_answers: u64,
    pub(in crate::worker) answer_bytes: u64,
    /// Requests without an answer when their connection was closed or its end announced.
    pub(in crate::worker) given_up: u64,
    /// How long the oldest of them had waited, per connection that was closed.
    pub(in crate::worker) waits: Vec<u64>,
    /// Done minus sent, and first byte minus sent.
    pub(in crate::worker) service: Histogram,
    /// The sum of the same, ns, exact.
    pub(in crate::worker) service_ns: u128,
    pub(in crate::worker) first_byte: Histogram,
    /// Slot, remote, instant.
    pub(in crate::worker) attempts: Vec<(u32, usize, u64)>,
    /// Connections that opened.
    pub(in crate::worker) opened: u64,
    /// Only the failed attempts and those closed while idle are filled in.
    pub(in crate::worker) connections: Connections,
    /// When the attempts began that were given up since the last enter.
    pub(in crate::worker) given_up_connects: Vec<u64>,
    /// Connections that were ended by the peer after a whole answer.
    pub(in crate::worker) ended: u64,
    /// Connections that carried bytes nobody asked for.
    pub(in crate::worker) excess: u64,
    pub(in crate::worker) most_in_flight: usize,
    /// When each slot got its last whole answer.
    pub(in crate::worker) last_answer_at: Vec<u64>,
}

impl Record {
    pub(super) fn new(slots: usize, kinds: usize) -> Record {
        Record {
            over: false,
            reaped_at: 0,
            requests: 0,
            request_bytes: 0,
            of_kind: vec![[0; 3]; kinds],
            numbers: Vec::new(),
            answers: 0,
            late_answers: 0,
            answer_bytes: 0,
            given_up: 0,
            waits: Vec::new(),
            service: Histogram::new(),
            service_ns: 0,
            first_byte: Histogram::new(),
            attempts: Vec::new(),
            opened: 0,
            connections: Connections::default(),
            given_up_connects: Vec::new(),
            ended: 0,
            excess: 0,
            most_in_flight: 0,
            last_answer_at: vec![0; slots],
        }
    }

    pub(super) fn opens(&mut self, slot: &mut Slot, now: u64) {
        slot.is_open = true;
        slot.opened_at = now;
        slot.connecting_since = None;
        self.opened += u64::from(!self.over);
    }

    pub(super) fn connect_fails(&mut self, code: i32) {
        if self.over {
            return;
        }
        match code {
            libc::ECONNREFUSED => self.connections.failed.refused += 1,
            libc::ETIMEDOUT => self.connections.failed.timeout += 1,
            libc::EADDRNOTAVAIL => self.connections.failed.no_local_port += 1,
            libc::EMFILE | libc::ENFILE => self.connections.failed.no_descriptor += 1,
            _ => self.connections.failed.other += 1,
        }
    }

    /// Holds a send against the job and counts it.
    pub(super) fn sends(&mut self, slot: &mut Slot, asked: &[Asked], bytes: usize, job: &Job) {
        assert!(slot.is_open, "requests go out on open connections only");
        let in_flight = slot.unanswered.len() + slot.queued + asked.len();
        assert!(in_flight <= job.pipeline as usize, "{in_flight} requests in flight on one connection");
        for Asked { closes, kind, .. } in asked {
            slot.requests += 1;
            let (at, limit) = (slot.requests, job.requests_per_connection.unwrap_or(u64::MAX));
            assert!(at <= limit, "request {at} of at most {limit} on a connection");
            assert_eq!(
                *closes,
                at == limit && job.layout.asks_to_close() && !job.resets,
                "the last request of a connection, and no other, asks for its end: {at}"
            );
            self.of_kind[usize::from(*kind)][0] += 1;
        }
        slot.queued += asked.len();
        self.requests += asked.len() as u64;
        self.request_bytes += bytes as u64;
    }

    pub(super) fn receives(&mut self, slot: &mut Slot, number: u32, now: u64, data: &Data) {
        if !self.over {
            self.answer_bytes += data.bytes.len() as u64;
            self.excess += u64::from(data.excess);
        }
        for &(begins, ends) in &data.parts {
            if begins {
                slot.first_byte_at = now;
            }
            if ends {
                self.answered(slot, number, now);
            }
        }
        if data.announces {
            self.give_up(slot);
        }
    }

    pub(super) fn ends(&mut self, slot: &mut Slot, number: u32, now: u64, completes: bool) {
        if completes && !slot.send_failed {
            self.answered(slot, number, now);
        }
        if self.over {
            return;
        }
        match (slot.answers, slot.unanswered.is_empty()) {
            (0, true) if now - slot.opened_at < 10_000_000 => self.connections.failed.other += 1,
            (0, true) => self.connections.idle_closed += 1,
            (0, false) => {}
            (_, true) if now - slot.answered_at > 100_000_000 => self.connections.idle_closed += 1,
            _ => self.ended += 1,
        }
    }

    fn answered(&mut self, slot: &mut Slot, number: u32, now: u64) {
        let (sent_at, kind) = slot.unanswered.pop_front().expect("the server answers what it was asked");
        slot.answers += 1;
        slot.answered_at = now;
        if self.over {
            self.late_answers += 1;
            return;
        }
        self.answers += 1;
        self.of_kind[usize::from(kind)][1] += 1;
        self.last_answer_at[number as usize] = now;
        self.service.record_n(now - sent_at, 1);
        self.service_ns += u128::from(now - sent_at);
        self.first_byte.record_n(slot.first_byte_at - sent_at, 1);
    }

    fn give_up(&mut self, slot: &mut Slot) {
        if !self.over {
            self.given_up += slot.unanswered.len() as u64;
            slot.unanswered.drain(..).for_each(|(_, kind)| self.of_kind[usize::from(kind)][2] += 1);
        }
    }

    /// The loop enters again: what it had given up was for its time, and not because the run is over.
    pub(super) fn goes_on(&mut self) {
        self.connections.failed.timeout += std::mem::take(&mut self.given_up_connects).len() as u64;
    }

    pub(super) fn closes(&mut self, slot: &mut Slot, now: u64) {
        self.given_up_connects.extend(slot.connecting_since);
        if self.over {
            return;
        }
        if let Some((oldest, _)) = slot.unanswered.front() {
            self.waits.push(now - oldest);
        }
        self.give_up(slot);
    }
}
