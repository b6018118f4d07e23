//! The ring at work.
#![allow(unsafe_code)]

use std::io;
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;

use io_uring::squeue::{Entry, Flags};
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{CompletionQueue, EnterFlags, IoUring, SubmissionQueue, Submitter};

use super::blocks::{Block, Lent};
use super::buffers::Memory;
use super::build::Parts;
use super::reap::{Raw, outcome, reason};
use super::sockets::Rest;
use super::sqe;
use super::stamped::{self, Sampling};
use super::token::{Op, Token};
use super::{Completion, Counters, Ring, Tx, Wait};

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
    listener: Option<Socket>,
    pub(super) accepting: Accepting,
    /// Operations whose last completion is still to come; silent sends are not among them.
    pub(super) outstanding: usize,
    /// Sends of blocks queued since the last enter whose success is not told: they end within the enter, as they fit their socket's buffer,
    /// and are none of what is waited for.
    untold: usize,
    /// See [`Ring::is_drained`].
    drained: bool,
    /// The buffer under the completion last handed out.
    pub(super) held: Option<u32>,
    /// Connects on their way, where nothing ends all operations at once.
    pub(super) connects: Vec<Token>,
    pub(super) counters: Counters,
    pub(super) sampling: Sampling,
    /// A raw pointer makes the type stay on its thread.
    _here: std::marker::PhantomData<*const ()>,
}

/// What the accept is doing.
#[derive(PartialEq)]
pub(super) enum Accepting {
    /// Not armed: the next enter arms it, if there is a listener.
    Idle,
    Armed,
    /// It was refused (descriptors used up): armed again when a connection closes or a wait runs out.
    Refused,
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
            untold: 0,
            drained: false,
            held: None,
            connects: Vec::new(),
            counters: Counters::default(),
            sampling: Sampling::default(),
            _here: std::marker::PhantomData,
        })
    }

    /// The level of features it runs at (kernel-notes.md).
    pub fn level(&self) -> &'static str {
        self.parts.level.as_str()
    }

    /// Why it is that level.
    pub fn why(&self) -> &str {
        &self.parts.why
    }

    /// Accepts connections from `listener` from the next enter on; each comes as [`Completion::Accepted`].
    pub fn listen(&mut self, listener: Socket) {
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
        place.rest = Rest::of(range.clone());
        let send = self.entry(fd, &bytes[range]).user_data(Token::new(Op::SendShared, slot, generation).0);
        // SAFETY: `lent` keeps the bytes until this send's completion was taken, or until the ring is gone.
        unsafe { self.push(send, true) };
    }

    /// Lends a block to the kernel until its send has completed, whatever becomes of the connection.
    fn send_block(&mut self, slot: u32, block: Block, confirm: bool) {
        match self.parts.sockets.open_fd(slot) {
            Some((fd, generation)) => {
                let id = self.parts.lent.lend(Lent { block, slot, generation, confirm, taken: 0 });
                self.push_block(fd, id);
                self.untold += usize::from(!confirm);
            }
            None => self.parts.blocks.give_back(block),
        }
    }

    /// Queues the send of what is left of a block.
    fn push_block(&mut self, fd: RawFd, id: u32) {
        let Some(lent) = self.parts.lent.get(id) else { return };
        let left = &lent.block.bytes()[lent.taken..];
        let (place, length) = (left.as_ptr(), left.len() as u32);
        let send = sqe::send(fd, place, length, self.parts.config.features.whole_sends);
        let send = send.user_data(Token::new(Op::SendBlock, id, 0).0);
        // SAFETY: a block's memory never moves nor is written to while `lent` holds it, which is until this send's completion
        // was taken, or until the ring is gone.
        unsafe { self.push(send, true) };
    }

    /// What became of a block's send, if that is to be told: of an open connection, and confirmed or failed.
    pub(super) fn block_sent(&mut self, id: u32, result: i32) -> Option<Raw> {
        let whole_sends = self.parts.config.features.whole_sends;
        let lent = self.parts.lent.get(id)?;
        lent.taken += usize::try_from(result).unwrap_or(0);
        let (slot, generation, left) = (lent.slot, lent.generation, lent.block.bytes().len() - lent.taken);
        let open = self.parts.sockets.open_fd(slot).filter(|(_, now)| *now == generation);
        if let Some((fd, _)) = open.filter(|_| result > 0 && left > 0 && !whole_sends) {
            self.push_block(fd, id);
            return None;
        }
        let lent = self.parts.lent.take_back(id)?;
        let length = lent.block.bytes().len();
        self.parts.blocks.give_back(lent.block);
        open?;
        let result = if left == 0 { length as i32 } else { result };
        match lent.confirm {
            true => Some(Raw::Sent(slot, result, true)),
            // A part alone means that the connection broke.
            false if left > 0 => Some(Raw::Sent(slot, result.min(0), false)),
            false => None,
        }
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

    fn entry(&self, fd: RawFd, part: &[u8]) -> Entry {
        sqe::send(fd, part.as_ptr(), part.len() as u32, self.parts.config.features.whole_sends)
    }

    /// What became of a send whose end is reported: true if only a part was taken and the rest is queued, which the kernel does
    /// itself where it knows MSG_WAITALL on sends (5.19).
    pub(super) fn goes_on(&mut self, token: Token, result: &mut i32) -> bool {
        if self.parts.config.features.whole_sends || *result <= 0 {
            return false;
        }
        let Some(place) = self.parts.sockets.current(token.slot(), token.generation()) else {
            return false;
        };
        place.rest.range.start += *result as usize;
        let Rest { whole, range } = place.rest.clone();
        let Some(fd) = place.socket.as_ref().map(AsRawFd::as_raw_fd).filter(|_| !range.is_empty()) else {
            *result = whole as i32;
            return false;
        };
        let lent = place.lent.clone().filter(|_| token.op() == Some(Op::SendShared));
        let bytes = lent.as_ref().unwrap_or(&self.parts.payload);
        let entry = self.entry(fd, &bytes[range]).user_data(token.0);
        // SAFETY: the payload is immutable and kept until the kernel holds no operation of this ring; bytes shared with the
        // caller stay in the slot's `lent` until the completion that ends this send was taken, or until the ring is gone.
        unsafe { self.push(entry, true) };
        true
    }

    /// Queues the end of what the kernel holds: all of it at once where it can, else each connect. Sends and receives end when
    /// their sockets are shut down. How many answers will come.
    pub(super) fn cancel(&mut self) -> usize {
        let mut all = Vec::new();
        match self.parts.config.features.cancel_any {
            true => all.push(sqe::cancel_all()),
            false => all.extend(self.connects.iter().copied().map(sqe::cancel)),
        }
        for entry in &all {
            // SAFETY: no memory is lent.
            unsafe { self.push(entry.clone().user_data(Token::new(Op::Cancel, 0, 0).0), true) };
        }
        all.len()
    }

    /// A receive on an open connection: the kernel chooses the memory, or gets some for this one.
    fn receive(&mut self, fd: RawFd, token: Token) -> Entry {
        let parts = &mut *self.parts;
        match &mut parts.memory {
            Memory::Ring(_) if token.op() == Some(Op::ReceiveStamped) => stamped::receive(Fd(fd)).user_data(token.0),
            Memory::Ring(_) if parts.config.features.multishot => sqe::receive_on(fd).user_data(token.0),
            Memory::Ring(_) => sqe::receive_once(fd).user_data(token.0),
            Memory::Own(own) => {
                let (id, place, size) = own.lend(token);
                sqe::receive_into(fd, place, size).user_data(Token::new(Op::ReceiveOwn, id, 0).0)
            }
        }
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
            let accept = sqe::accept(listener.as_raw_fd(), self.parts.config.features.multishot_accept);
            // SAFETY: no memory is lent, and the descriptor is open.
            unsafe { self.push(accept.user_data(Token::new(Op::Accept, 0, 0).0), true) };
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
            let receive = self.receive(fd, token);
            // SAFETY: the memory received into outlives the operation: the buffer ring's, or what was lent to this receive alone
            // and is nobody else's before its completion. The header that stamped ones point to is static.
            unsafe { self.push(receive, true) };
        }
    }

    /// A receive of the slot's present connection is to be armed.
    pub(super) fn receive_from(&mut self, slot: u32) {
        if let Some(place) = self.parts.sockets.peek(slot)
            && let Some(socket) = &place.socket
        {
            let op = if self.samples(slot, socket.as_fd()) { Op::ReceiveStamped } else { Op::Receive };
            let token = Token::new(op, slot, place.generation);
            self.to_arm.push(token);
        }
    }

    /// The kernel runs what completes in this thread's place, and no more than is wanted: less than that, and not for a signal, was
    /// all of it, but for what found no room in the queue.
    #[cold]
    fn note_drained(&mut self, result: &io::Result<usize>) {
        let undisturbed = match result {
            Ok(_) => true,
            Err(error) => error.raw_os_error() == Some(libc::ETIME),
        };
        let room = self.completions.len() < self.completions.capacity();
        self.drained = undisturbed && room && !self.queue.cq_overflow();
    }

    fn retry_accept(&mut self) {
        if self.accepting == Accepting::Refused {
            self.accepting = Accepting::Idle;
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
        let connect = sqe::connect(fd, address);
        let token = Token::new(Op::Connect, slot, generation);
        // SAFETY: the address is in `sockets`, which never changes its list of addresses and outlives the operation.
        unsafe { self.push(connect.user_data(token.0), true) };
        if !self.parts.config.features.cancel_any {
            self.connects.push(token);
        }
        Ok(())
    }

    #[inline]
    fn send(&mut self, slot: u32, bytes: Tx, confirm: bool) {
        let range = match bytes {
            Tx::Fixed(range) => range,
            Tx::Block(block) => return self.send_block(slot, block, confirm),
        };
        let Some((fd, generation)) = self.parts.sockets.open_fd(slot) else {
            return;
        };
        let op = if confirm { Op::SendConfirmed } else { Op::Send };
        let silent = !confirm && self.parts.config.features.cqe_skip;
        if confirm && let Some(place) = self.parts.sockets.get(slot) {
            place.rest = Rest::of(range.clone());
        }
        let entry = self
            .entry(fd, &self.parts.payload[range])
            .flags(if silent { Flags::SKIP_SUCCESS } else { Flags::empty() })
            .user_data(Token::new(op, slot, generation).0);
        // SAFETY: the payload is immutable, and kept until the kernel holds no operation of this ring.
        unsafe { self.push(entry, !silent) };
    }

    fn block(&mut self) -> Option<Block> {
        self.parts.blocks.take()
    }

    fn give_back(&mut self, block: Block) {
        self.parts.blocks.give_back(block);
    }

    fn say_goodbye(&mut self, slot: u32, bytes: &[u8]) {
        if let Some(socket) = self.parts.sockets.peek(slot).and_then(|place| place.socket.as_ref()) {
            super::say_goodbye(socket.as_raw_fd(), bytes);
        }
    }

    fn close(&mut self, slot: u32) {
        let keep_number = !self.queue.is_empty();
        self.parts.sockets.close(slot, keep_number);
        self.retry_accept();
    }

    #[inline]
    fn enter(&mut self, want: usize, wait: Wait) -> io::Result<()> {
        if let Some(id) = self.held.take() {
            self.parts.memory.give_back(id);
        }
        self.parts.memory.publish();
        if !self.to_arm.is_empty() || self.accepting == Accepting::Idle {
            self.arm();
        }
        self.queue.sync();
        // Shows the kernel what was taken; it would count that towards `want` otherwise, and not wait.
        self.completions.sync();
        let mut flags = EnterFlags::EXT_ARG | EnterFlags::GETEVENTS;
        if self.parts.config.sqpoll.is_some() && self.queue.need_wakeup() {
            flags |= EnterFlags::SQ_WAKEUP;
        }
        let nanoseconds = if self.parts.config.features.abs_timer {
            flags |= EnterFlags::ABS_TIMER;
            wait.until
        } else {
            wait.span_ns()
        };
        let timeout = Timespec::from(Duration::from_nanos(nanoseconds));
        let mut args = SubmitArgs::new().timespec(&timeout);
        if self.parts.config.min_wait_us > 0 && want > 1 && want != Wait::ALL {
            args = args.min_wait_usec(self.parts.config.min_wait_us);
        }
        self.counters.enters += 1;
        let queued = self.queue.len() as u32;
        // The kernel takes a number with a sign, and none above the queue's size.
        let untold = std::mem::take(&mut self.untold);
        let wanted = match want {
            0 => 0,
            Wait::ALL => self.completions.capacity(),
            want => want + untold,
        };
        // SAFETY: what the queued operations point to was promised valid when they were pushed; `args` and the time it points
        // to outlive the call, and EXT_ARG says that it is such a structure.
        let result = unsafe { self.submitter.enter(queued, wanted as u32, flags.bits(), Some(&args)) };
        self.queue.sync();
        self.completions.sync();
        if self.queue.cq_overflow() {
            self.counters.cq_overflows += 1;
        }
        if self.queue.is_empty() {
            self.parts.sockets.bury();
        }
        if want == Wait::ALL {
            self.note_drained(&result);
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
                Completion::Received { slot, bytes: self.parts.memory.get(id, len).unwrap_or_default() }
            }
            Raw::Stamped(slot, id, len) => self.unwrap_stamped(slot, id, len),
            Raw::Sent(slot, result, true) => Completion::Sent { slot, result: outcome(result) },
            Raw::Sent(slot, result, false) => Completion::SendFailed { slot, error: reason(result) },
            Raw::Connected(slot, 0..) => {
                if let Some(place) = self.parts.sockets.get(slot) {
                    place.established = true;
                }
                self.receive_from(slot);
                Completion::Connected { slot }
            }
            Raw::Connected(slot, result) => {
                self.close(slot);
                Completion::ConnectFailed { slot, error: reason(result) }
            }
            Raw::Accepted(slot) => Completion::Accepted { slot },
            Raw::Ended(slot, result) => Completion::Ended { slot, error: outcome(result).err() },
            // Nothing is cancelled before the end.
            Raw::Cancelled(_) => return None,
        })
    }

    fn is_drained(&self) -> bool {
        self.drained
    }

    fn counters(&self) -> Counters {
        Counters { sqpoll_ns: self.parts.poller.map_or(0, |poller| poller.cpu_ns()), ..self.counters }
    }
}
