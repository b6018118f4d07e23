//! The ring at work.
#![allow(unsafe_code)]

use std::io;
use std::mem::ManuallyDrop;
use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

use io_uring::squeue::{Entry, Flags};
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{CompletionQueue, EnterFlags, IoUring, SubmissionQueue, Submitter, cqueue, opcode};

use super::buffers::GROUP;
use super::build::Parts;
use super::stamped::{self, Sampling};
use super::token::{Op, Token};
use super::{Completion, Counters, Ring, Wait};

/// An enabled io_uring and everything lent to it. Bound to the thread that enabled it.
///
/// Field order matters: the queues and the submitter point into `io` and go first.
pub struct Uring {
    pub(super) submitter: ManuallyDrop<Submitter<'static>>,
    pub(super) queue: ManuallyDrop<SubmissionQueue<'static>>,
    pub(super) completions: ManuallyDrop<CompletionQueue<'static>>,
    pub(super) io: ManuallyDrop<Box<IoUring>>,
    pub(super) parts: ManuallyDrop<Parts>,
    /// Receives to be armed by the next enter, if their connection is still there then.
    to_arm: Vec<Token>,
    listener: Option<TcpListener>,
    accepting: Accepting,
    /// Operations whose last completion is still to come; silent sends are not among them.
    pub(super) outstanding: usize,
    /// The buffer under the completion last handed out.
    held: Option<u16>,
    counters: Counters,
    pub(super) sampling: Sampling,
    /// A raw pointer makes the type stay on its thread.
    _here: std::marker::PhantomData<*const ()>,
}

/// What the multishot accept is doing.
#[derive(PartialEq)]
enum Accepting {
    /// Not armed: the next enter arms it, if there is a listener.
    Idle,
    Armed,
    /// It was refused (descriptors used up): armed again when a connection closes or a wait runs out.
    Refused,
}

/// A completion taken apart, before it is turned into what the caller sees.
pub(super) enum Raw {
    Connected(u32, i32),
    Sent(u32, i32, bool),
    Data(u32, u16, usize),
    Stamped(u32, u16, usize),
    Ended(u32, i32),
    Accepted(u32),
}

impl Uring {
    pub(super) fn new(io: IoUring, parts: Parts) -> io::Result<Uring> {
        let mut io = Box::new(io);
        // SAFETY: the box is neither moved out of nor dropped before the three parts borrowed from it: they live in the same
        // struct, are never handed out, and `Drop` ends them first. `split` is called once.
        let (mut submitter, queue, completions) = unsafe { &mut *std::ptr::from_mut::<IoUring>(&mut io) }.split();
        if parts.config.features.ring_fd {
            submitter.register_ring_fd()?;
        }
        Ok(Uring {
            submitter: ManuallyDrop::new(submitter),
            queue: ManuallyDrop::new(queue),
            completions: ManuallyDrop::new(completions),
            io: ManuallyDrop::new(io),
            to_arm: Vec::with_capacity(parts.config.slots + 1),
            parts: ManuallyDrop::new(parts),
            listener: None,
            accepting: Accepting::Idle,
            outstanding: 0,
            held: None,
            counters: Counters::default(),
            sampling: Sampling::default(),
            _here: std::marker::PhantomData,
        })
    }

    /// The level of features this kernel gave: "A+" or "A" (kernel-notes.md).
    pub fn level(&self) -> &'static str {
        self.parts.level.as_str()
    }

    /// Why it is that level.
    pub fn why(&self) -> &str {
        &self.parts.why
    }

    /// Accepts connections from `listener` from the next enter on; each comes as [`Completion::Accepted`].
    pub fn listen(&mut self, listener: TcpListener) {
        self.listener = Some(listener);
    }

    /// Accepts nothing more: closes the listener.
    pub fn stop_listening(&mut self) {
        if let Some(listener) = self.listener.take() {
            // Ends the armed accept; an error would mean that it is ended already.
            let _ = nix::sys::socket::shutdown(listener.as_raw_fd(), nix::sys::socket::Shutdown::Both);
        }
    }

    /// Queues a send of bytes shared with the caller, reported as [`Completion::Sent`]. They must not change: an `Arc` cannot.
    ///
    /// # Panics
    /// If the slot's last one is still on its way.
    pub fn send_shared(&mut self, slot: u32, bytes: &Arc<[u8]>, range: Range<usize>) {
        let Some((fd, generation)) = self.parts.sockets.open_fd(slot) else {
            return;
        };
        let Some(place) = self.parts.sockets.get(slot) else {
            return;
        };
        assert!(place.lent.is_none(), "one send of shared bytes at a time on a connection");
        place.lent = Some(Arc::clone(bytes));
        let part = &bytes[range];
        let send = opcode::Send::new(Fd(fd), part.as_ptr(), part.len() as u32)
            .flags(libc::MSG_WAITALL | libc::MSG_NOSIGNAL)
            .build()
            .user_data(Token::new(Op::SendShared, slot, generation).0);
        // SAFETY: `lent` keeps the bytes until this send's completion was taken, or until the ring is gone.
        unsafe { self.push(send, true) };
    }

    /// The address at the other end of an open slot's connection; `None` too if the peer is gone already.
    pub fn peer(&self, slot: u32) -> Option<SocketAddr> {
        self.parts.sockets.peer(slot)
    }

    /// Closes an accepted connection; its slot is used again.
    pub fn hang_up(&mut self, slot: u32) {
        self.close(slot);
        self.parts.sockets.release(slot);
    }

    /// Queues one operation, making room by a submit if there is none. It `speaks` if a completion follows in any case.
    ///
    /// # Safety
    /// What the entry points to must stay valid until the operation has completed.
    unsafe fn push(&mut self, entry: Entry, speaks: bool) {
        loop {
            // SAFETY: passed on to the caller.
            if unsafe { self.queue.push(&entry) }.is_ok() {
                self.counters.sqes += 1;
                self.outstanding += usize::from(speaks);
                return;
            }
            self.queue.sync();
            self.counters.enters += 1;
            // A failure leaves the queue full and is tried again: EAGAIN and EBUSY pass.
            let _ = self.submitter.submit();
            self.queue.sync();
        }
    }

    /// Arms what waits for it: the listener, and receives on open slots.
    fn arm(&mut self) {
        if self.accepting == Accepting::Idle
            && let Some(listener) = &self.listener
        {
            let accept = opcode::AcceptMulti::new(Fd(listener.as_raw_fd()));
            // SAFETY: no memory is lent, and the descriptor is open.
            unsafe { self.push(accept.build().user_data(Token::new(Op::Accept, 0, 0).0), true) };
            self.accepting = Accepting::Armed;
        }
        while let Some(token) = self.to_arm.pop() {
            // The slot may hold another connection by now, which is not open yet.
            let Some(place) = self.parts.sockets.current(token.slot(), token.generation()) else {
                continue;
            };
            let Some(fd) = place.socket.as_ref().map(AsRawFd::as_raw_fd) else {
                continue;
            };
            if std::mem::replace(&mut place.receiving, true) {
                continue;
            }
            let receive = match self.parts.config.features.multishot {
                _ if token.op() == Some(Op::ReceiveStamped) => stamped::receive(Fd(fd)),
                true => opcode::RecvMulti::new(Fd(fd), GROUP).build(),
                false => opcode::Recv::new(Fd(fd), std::ptr::null_mut(), 0)
                    .buf_group(GROUP)
                    .build()
                    .flags(Flags::BUFFER_SELECT),
            };
            // SAFETY: the memory received into is the buffer ring's, which outlives the operation; the header that stamped ones
            // point to is static.
            unsafe { self.push(receive.user_data(token.0), true) };
        }
    }

    /// A receive of the slot's present connection is to be armed.
    fn receive_from(&mut self, slot: u32) {
        if let Some(place) = self.parts.sockets.peek(slot)
            && let Some(socket) = &place.socket
        {
            let op = if self.samples(slot, socket.as_fd()) { Op::ReceiveStamped } else { Op::Receive };
            let token = Token::new(op, slot, place.generation);
            self.to_arm.push(token);
        }
    }

    fn retry_accept(&mut self) {
        if self.accepting == Accepting::Refused {
            self.accepting = Accepting::Idle;
        }
    }

    /// The next completion of a connection that is still open, or of the listener.
    #[inline]
    pub(super) fn take_known(&mut self) -> Option<Raw> {
        loop {
            if let Some(id) = self.held.take() {
                self.parts.buffers.give_back(id);
            }
            let entry = self.completions.next()?;
            self.counters.cqes += 1;
            let ends = !cqueue::more(entry.flags()) && Token(entry.user_data()).op() != Some(Op::Send);
            self.outstanding -= usize::from(ends);
            if let Some(raw) = self.take_apart(&entry) {
                return Some(raw);
            }
        }
    }

    #[inline]
    fn take_apart(&mut self, entry: &cqueue::Entry) -> Option<Raw> {
        let token = Token(entry.user_data());
        let (slot, generation, result) = (token.slot(), token.generation(), entry.result());
        let raw = match token.op()? {
            Op::Receive => return self.received(slot, generation, entry),
            Op::ReceiveStamped => return self.received_stamped(slot, generation, entry),
            Op::Accept => return self.accepted(entry),
            Op::SendShared => {
                self.parts.sockets.take_back(token);
                Raw::Sent(slot, result, true)
            }
            Op::SendConfirmed => Raw::Sent(slot, result, true),
            // Not skipped: then also a success comes here.
            Op::Send if result >= 0 && !self.parts.config.features.cqe_skip => return None,
            Op::Send => Raw::Sent(slot, result, false),
            Op::Connect => Raw::Connected(slot, result),
        };
        self.parts.sockets.current(slot, generation)?;
        Some(raw)
    }

    fn accepted(&mut self, entry: &cqueue::Entry) -> Option<Raw> {
        if !cqueue::more(entry.flags()) {
            self.accepting = if entry.result() < 0 { Accepting::Refused } else { Accepting::Idle };
        }
        let fd = u32::try_from(entry.result()).ok()?;
        let slot = self.parts.sockets.adopt(fd as i32);
        self.receive_from(slot);
        Some(Raw::Accepted(slot))
    }

    #[inline]
    pub(super) fn received(&mut self, slot: u32, generation: u32, entry: &cqueue::Entry) -> Option<Raw> {
        let (result, flags) = (entry.result(), entry.flags());
        let buffer = cqueue::buffer_select(flags);
        self.held = buffer;
        let place = self.parts.sockets.current(slot, generation)?;
        if !cqueue::more(flags) {
            place.receiving = false;
        }
        match (result, buffer) {
            (1.., Some(id)) => {
                if !cqueue::more(flags) {
                    self.counters.rearms += 1;
                    self.receive_from(slot);
                }
                Some(Raw::Data(slot, id, result as usize))
            }
            (code, _) if code == -libc::ENOBUFS => {
                self.counters.recv_starved += 1;
                self.counters.rearms += 1;
                self.receive_from(slot);
                None
            }
            _ => Some(Raw::Ended(slot, result)),
        }
    }
}

impl Ring for Uring {
    #[inline]
    fn room(&self) -> usize {
        self.queue.capacity() - self.queue.len()
    }

    fn connect(&mut self, slot: u32, remote: usize) -> io::Result<()> {
        self.close(slot);
        let (fd, generation) = self.parts.sockets.open(slot, remote)?;
        let address = self.parts.sockets.remote(remote);
        let connect = opcode::Connect::new(Fd(fd), address.as_ptr().cast(), address.len());
        let token = Token::new(Op::Connect, slot, generation);
        // SAFETY: the address is in `sockets`, which never changes its list of addresses and outlives the operation.
        unsafe { self.push(connect.build().user_data(token.0), true) };
        Ok(())
    }

    #[inline]
    fn send(&mut self, slot: u32, range: Range<usize>, confirm: bool) {
        let Some((fd, generation)) = self.parts.sockets.open_fd(slot) else {
            return;
        };
        let bytes = &self.parts.payload[range];
        let op = if confirm { Op::SendConfirmed } else { Op::Send };
        let silent = !confirm && self.parts.config.features.cqe_skip;
        let entry = opcode::Send::new(Fd(fd), bytes.as_ptr(), bytes.len() as u32)
            .flags(libc::MSG_WAITALL | libc::MSG_NOSIGNAL)
            .build()
            .flags(if silent { Flags::SKIP_SUCCESS } else { Flags::empty() })
            .user_data(Token::new(op, slot, generation).0);
        // SAFETY: the payload is immutable, and kept until the kernel holds no operation of this ring.
        unsafe { self.push(entry, confirm) };
    }

    fn close(&mut self, slot: u32) {
        let keep_number = !self.queue.is_empty();
        self.parts.sockets.close(slot, keep_number);
        self.retry_accept();
    }

    #[inline]
    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        if let Some(id) = self.held.take() {
            self.parts.buffers.give_back(id);
        }
        self.parts.buffers.publish();
        if !self.to_arm.is_empty() || self.accepting == Accepting::Idle {
            self.arm();
        }
        self.queue.sync();
        // Shows the kernel what was taken; it would count that towards `want` otherwise, and not wait.
        self.completions.sync();
        let mut flags = EnterFlags::EXT_ARG | EnterFlags::GETEVENTS;
        let nanoseconds = if self.parts.abs_timer {
            flags |= EnterFlags::ABS_TIMER;
            wait.until
        } else {
            wait.span_ns()
        };
        let timeout = Timespec::from(Duration::from_nanos(nanoseconds));
        let mut args = SubmitArgs::new().timespec(&timeout);
        if self.parts.config.min_wait_us > 0 && want > 1 {
            args = args.min_wait_usec(self.parts.config.min_wait_us);
        }
        self.counters.enters += 1;
        let queued = self.queue.len() as u32;
        // SAFETY: what the queued operations point to was promised valid when they were pushed; `args` and the time it points
        // to outlive the call, and EXT_ARG says that it is such a structure.
        let result = unsafe { self.submitter.enter(queued, want as u32, flags.bits(), Some(&args)) };
        self.queue.sync();
        self.completions.sync();
        if self.queue.cq_overflow() {
            self.counters.cq_overflows += 1;
        }
        if self.queue.is_empty() {
            self.parts.sockets.bury();
        }
        match result {
            Ok(_) => Ok(()),
            Err(error) => match error.raw_os_error() {
                Some(libc::ETIME) => {
                    self.retry_accept();
                    Ok(())
                }
                // Interrupted, short of memory for now, completions to take first: the next turn goes on.
                Some(libc::EINTR | libc::EAGAIN | libc::EBUSY) => Ok(()),
                _ => Err(error),
            },
        }
    }

    #[inline]
    fn next(&mut self) -> Option<Completion<'_>> {
        Some(match self.take_known()? {
            Raw::Data(slot, id, len) => {
                Completion::Received { slot, bytes: self.parts.buffers.get(id, len).unwrap_or_default() }
            }
            Raw::Stamped(slot, id, len) => self.unwrap_stamped(slot, id, len),
            Raw::Sent(slot, result, true) => Completion::Sent { slot, result: outcome(result) },
            Raw::Sent(slot, result, false) => Completion::SendFailed { slot, error: reason(result) },
            Raw::Connected(slot, 0..) => {
                self.receive_from(slot);
                Completion::Connected { slot }
            }
            Raw::Connected(slot, result) => {
                self.close(slot);
                Completion::ConnectFailed { slot, error: reason(result) }
            }
            Raw::Accepted(slot) => Completion::Accepted { slot },
            Raw::Ended(slot, result) => Completion::Ended { slot, error: outcome(result).err() },
        })
    }

    fn counters(&self) -> Counters {
        self.counters
    }
}

pub(super) fn outcome(result: i32) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| reason(result))
}

/// The reason behind a negative result. A short send without one counts as a broken connection.
fn reason(result: i32) -> io::Error {
    io::Error::from_raw_os_error(if result < 0 { -result } else { libc::EPIPE })
}
