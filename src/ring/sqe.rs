//! Every operation that the ring at work submits, filled in at this one place. Filling in is safe: what an entry points to must be valid while it
//! is under way, which is for who pushes it to see to.

use std::os::fd::RawFd;

use io_uring::opcode;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{CancelBuilder, Fd};
use socket2::SockAddr;

use super::buffers::GROUP;
use super::token::Token;

/// A connect to `address`.
pub(super) fn connect(fd: RawFd, address: &SockAddr) -> Entry {
    opcode::Connect::new(Fd(fd), address.as_ptr().cast(), address.len()).build()
}

/// An accept; with `multishot` one serves the listener for its life.
pub(super) fn accept(fd: RawFd, multishot: bool) -> Entry {
    match multishot {
        true => opcode::AcceptMulti::new(Fd(fd)).build(),
        false => opcode::Accept::new(Fd(fd), std::ptr::null_mut(), std::ptr::null_mut()).build(),
    }
}

/// A send of `length` bytes from `place` on; `whole`: the kernel goes on by itself where only a part of them was taken.
#[inline]
pub(super) fn send(fd: RawFd, place: *const u8, length: u32, whole: bool) -> Entry {
    let whole = if whole { libc::MSG_WAITALL } else { 0 };
    opcode::Send::new(Fd(fd), place, length).flags(whole | libc::MSG_NOSIGNAL).build()
}

/// A receive that goes on for the connection's life, into buffers of the ring's group.
pub(super) fn receive_on(fd: RawFd) -> Entry {
    opcode::RecvMulti::new(Fd(fd), GROUP).build()
}

/// One receive into a buffer of the ring's group.
pub(super) fn receive_once(fd: RawFd) -> Entry {
    let receive = opcode::Recv::new(Fd(fd), std::ptr::null_mut(), 0).buf_group(GROUP).build();
    receive.flags(Flags::BUFFER_SELECT)
}

/// One receive into this memory.
pub(super) fn receive_into(fd: RawFd, place: *mut u8, size: u32) -> Entry {
    opcode::Recv::new(Fd(fd), place, size).build()
}

/// The end of all that the kernel holds of this ring.
pub(super) fn cancel_all() -> Entry {
    opcode::AsyncCancel2::new(CancelBuilder::any().all()).build()
}

/// The end of one operation.
pub(super) fn cancel(token: Token) -> Entry {
    opcode::AsyncCancel::new(token.0).build()
}
