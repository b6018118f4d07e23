//! Orders of the control, obeyed when the worker looks around.

use super::Control;
use super::connection::{Next, State};
use super::turn::Loop;
use crate::measure::clock::Clock;
use crate::protocol::Protocol;
use crate::ring::Ring;

impl<R: Ring, P: Protocol, C: Clock> Loop<'_, R, P, C> {
    /// Does what has been ordered since the last time, and goes on with what takes longer.
    #[inline]
    pub(super) fn obey(&mut self, control: &Control, now: u64) {
        let planned = self.connections.len();
        if let Some(orders) = control.orders(&mut self.orders_seen, self.job.worker, planned) {
            if let Some(rate_per_s) = orders.rate_per_s {
                self.shared.schedule.go_on_with(rate_per_s, now);
            }
            self.want(orders.connections);
        }
        if self.wanted < planned {
            self.retire();
        }
    }

    /// So many slots are to have a connection from now on.
    #[cold]
    fn want(&mut self, wanted: usize) {
        let before = std::mem::replace(&mut self.wanted, wanted);
        self.to_open.retain(|slot| (*slot as usize) < wanted);
        for slot in before..wanted {
            let policy = &mut self.connections[slot].policy;
            match policy.state {
                State::Closed => self.to_open.push_back(slot as u32),
                State::Surplus => {
                    policy.state = State::Open;
                    self.follow(slot as u32, Next::Ready);
                }
                State::Connecting | State::ShakingHands | State::Open | State::Ending | State::BackingOff => {}
            }
        }
    }

    /// Connections that are too many get no more requests, and are closed when their answers have come.
    #[cold]
    fn retire(&mut self) {
        for slot in self.wanted..self.connections.len() {
            let policy = &mut self.connections[slot].policy;
            if policy.state == State::Open {
                policy.state = State::Surplus;
            }
            if policy.state == State::Surplus && policy.in_flight == 0 && !policy.confirming {
                self.hang_up(slot as u32, None);
            }
        }
    }
}
