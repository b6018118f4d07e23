//! The server's loop: one thread, one engine.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::Served;
use super::answers::{Answers, BATCH, Kind};
use super::requests::{Repeated, Requests};
use super::routes::Routes;
use crate::measure::clock::{Clock, Monotonic};
use crate::ring::{Acceptor, Completion, Wait};

/// How long a wait may keep the stop flag from being seen.
const PATIENCE: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Peer {
    requests: Requests,
    owed: VecDeque<(Kind, u32)>,
    /// A send is on its way: the next one waits for it, as the kernel keeps no order between two.
    sending: bool,
    /// The connection ends with the send on its way.
    closing: bool,
    /// The peer closed its side: what is owed is still sent, then the connection ends.
    half_closed: bool,
    queued: bool,
}

struct Loop<R> {
    ring: R,
    peers: Vec<Peer>,
    to_send: Vec<u32>,
    answers: Answers,
    repeated: Repeated,
    served: Served,
}

/// Runs until `stop` is set.
pub(super) fn run<R: Acceptor>(ring: R, stop: &AtomicBool, routes: Option<Arc<Routes>>) -> Served {
    let answers = Answers::new(SystemTime::now(), routes.clone());
    let served = Served::of(routes.as_deref());
    let mut this =
        Loop { ring, peers: Vec::new(), to_send: Vec::new(), answers, repeated: Repeated::new(routes), served };
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = this.turn() {
            eprintln!("saturing: server: the ring failed: {error}");
            break;
        }
    }
    this.ring.stop_listening();
    (0..this.peers.len() as u32).for_each(|slot| this.ring.close(slot));
    this.served
}

impl<R: Acceptor> Loop<R> {
    fn turn(&mut self) -> std::io::Result<()> {
        self.answers.refresh(SystemTime::now());
        for at in 0..self.to_send.len() {
            self.send(self.to_send[at]);
        }
        self.to_send.clear();
        self.ring.enter(1, Wait::lasting(Monotonic.now(), PATIENCE))?;
        self.reap();
        Ok(())
    }

    fn send(&mut self, slot: u32) {
        let peer = &mut self.peers[slot as usize];
        peer.queued = false;
        if peer.sending {
            return;
        }
        if peer.owed.len() > 1 && matches!(peer.owed.front(), Some((Kind::Routed(..), _))) {
            return self.send_several(slot);
        }
        let Some((kind, count)) = peer.owed.pop_front() else {
            return;
        };
        let now = if kind == Kind::Hello { count.min(BATCH) } else { 1 };
        if count > now {
            peer.owed.push_front((kind, count - now));
        }
        peer.sending = true;
        peer.closing = kind.closes() || (peer.half_closed && peer.owed.is_empty());
        let (block, range) = self.answers.get(kind, now);
        self.ring.send_shared(slot, block, range);
    }

    /// Different answers in a row, in one send.
    fn send_several(&mut self, slot: u32) {
        let peer = &mut self.peers[slot as usize];
        let kinds = peer.owed.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count as usize));
        let (mut left, bytes) = self.answers.several(kinds);
        let mut last = Kind::Hello;
        while left > 0
            && let Some((kind, count)) = peer.owed.front_mut()
        {
            let sent = left.min(*count);
            (last, left, *count) = (*kind, left - sent, *count - sent);
            if *count == 0 {
                peer.owed.pop_front();
            }
        }
        peer.sending = true;
        peer.closing = last.closes() || (peer.half_closed && peer.owed.is_empty());
        let all = 0..bytes.len();
        self.ring.send_shared(slot, &bytes, all);
    }

    fn reap(&mut self) {
        while let Some(completion) = self.ring.next() {
            match completion {
                Completion::Accepted { slot } => {
                    if self.peers.len() <= slot as usize {
                        self.peers.resize_with(slot as usize + 1, Peer::default);
                    }
                    self.peers[slot as usize] = Peer::default();
                    self.served.connections += 1;
                }
                Completion::Received { slot, bytes } => {
                    let Peer { requests, owed, .. } = &mut self.peers[slot as usize];
                    let served = &mut self.served;
                    requests.feed(bytes, &mut self.repeated, &mut |kind, count, _| {
                        served.count(kind, count);
                        match owed.back_mut() {
                            Some(last) if last.0 == kind => last.1 += count,
                            _ => owed.push_back((kind, count)),
                        }
                    });
                    self.queue(slot);
                }
                Completion::Sent { slot, result } => {
                    let peer = &mut self.peers[slot as usize];
                    peer.sending = false;
                    if peer.closing || result.is_err() {
                        self.ring.hang_up(slot);
                    } else {
                        self.queue(slot);
                    }
                }
                Completion::Ended { slot, error } => {
                    let peer = &self.peers[slot as usize];
                    // A peer that only closed its own side still gets what it is owed.
                    if error.is_some() || (!peer.sending && peer.owed.is_empty()) {
                        self.ring.hang_up(slot);
                    } else {
                        self.finish(slot);
                    }
                }
                Completion::Connected { .. } | Completion::ConnectFailed { .. } | Completion::SendFailed { .. } => {}
            }
        }
    }

    /// The peer sends nothing more: the last answer owed closes the connection.
    fn finish(&mut self, slot: u32) {
        let peer = &mut self.peers[slot as usize];
        peer.half_closed = true;
        peer.closing |= peer.owed.is_empty();
    }

    #[inline]
    fn queue(&mut self, slot: u32) {
        let peer = &mut self.peers[slot as usize];
        if !peer.queued && !peer.sending && !peer.owed.is_empty() {
            peer.queued = true;
            self.to_send.push(slot);
        }
    }
}
