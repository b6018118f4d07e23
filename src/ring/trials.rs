//! Each feature of io_uring tried by itself, on a small ring of its own. What has no bit of its own is seen at work on a pair of
//! sockets.
#![allow(unsafe_code)]

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use io_uring::squeue::{Entry, Flags};
use io_uring::types::{CancelBuilder, Fd, Napi, SubmitArgs, Timespec};
use io_uring::{Builder, EnterFlags, IoUring, Parameters, Probe, cqueue, opcode};

use super::buffers::{Buffers, GROUP};

/// A completion takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// A small ring, set up as `set` says.
pub(super) fn plain(set: impl FnOnce(&mut Builder) -> &mut Builder) -> io::Result<IoUring> {
    let mut builder = IoUring::builder();
    set(&mut builder);
    builder.build(4)
}

fn set_up(set: impl FnOnce(&mut Builder) -> &mut Builder) -> io::Result<()> {
    plain(set).map(drop)
}

/// The kernel announces it with a bit.
fn announced(bit: fn(&Parameters) -> bool) -> io::Result<()> {
    refused_unless(bit(plain(|builder| builder)?.params()))
}

fn refused_unless(works: bool) -> io::Result<()> {
    works.then_some(()).ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))
}

fn supported(codes: &[u8]) -> io::Result<()> {
    let mut probe = Probe::new();
    plain(|builder| builder)?.submitter().register_probe(&mut probe)?;
    refused_unless(codes.iter().all(|code| probe.is_supported(*code)))
}

pub(super) fn operations() -> io::Result<()> {
    let (connect, send, receive) = (opcode::Connect::CODE, opcode::Send::CODE, opcode::Recv::CODE);
    supported(&[connect, send, receive, opcode::Accept::CODE, opcode::AsyncCancel::CODE])
}

pub(super) fn send_zc() -> io::Result<()> {
    supported(&[opcode::SendZc::CODE])
}

pub(super) fn nodrop() -> io::Result<()> {
    announced(Parameters::is_feature_nodrop)
}

pub(super) fn ext_arg() -> io::Result<()> {
    announced(Parameters::is_feature_ext_arg)
}

pub(super) fn min_wait() -> io::Result<()> {
    announced(Parameters::is_feature_min_timeout)
}

pub(super) fn bundles() -> io::Result<()> {
    announced(Parameters::is_feature_recvsend_bundle)
}

pub(super) fn cqsize() -> io::Result<()> {
    set_up(|builder| builder.setup_cqsize(64))
}

pub(super) fn r_disabled() -> io::Result<()> {
    plain(|builder| builder.setup_r_disabled())?.submitter().register_enable_rings()
}

pub(super) fn submit_all() -> io::Result<()> {
    set_up(|builder| builder.setup_submit_all())
}

pub(super) fn coop_taskrun() -> io::Result<()> {
    set_up(|builder| builder.setup_coop_taskrun())
}

pub(super) fn taskrun_flag() -> io::Result<()> {
    set_up(|builder| builder.setup_coop_taskrun().setup_taskrun_flag())
}

pub(super) fn single_issuer() -> io::Result<()> {
    set_up(|builder| builder.setup_single_issuer())
}

pub(super) fn defer_taskrun() -> io::Result<()> {
    set_up(|builder| builder.setup_single_issuer().setup_defer_taskrun())
}

pub(super) fn no_sqarray() -> io::Result<()> {
    set_up(|builder| builder.setup_no_sqarray())
}

pub(super) fn sqpoll() -> io::Result<()> {
    set_up(|builder| builder.setup_sqpoll(1))
}

pub(super) fn ring_fd() -> io::Result<()> {
    let mut ring = plain(|builder| builder)?;
    let (mut submitter, ..) = ring.split();
    submitter.register_ring_fd()?;
    submitter.unregister_ring_fd()
}

pub(super) fn napi() -> io::Result<()> {
    let ring = plain(|builder| builder)?;
    ring.submitter().register_napi(&mut Napi::new().set_busy_poll_timeout(1))
}

pub(super) fn cancel_any() -> io::Result<()> {
    let mut ring = plain(|builder| builder)?;
    // SAFETY: no memory is lent.
    unsafe { push(&mut ring, opcode::AsyncCancel2::new(CancelBuilder::any().all()).build())? };
    let (result, _) = wait(&mut ring)?;
    refused_unless(result == 0 || result == -libc::ENOENT)
}

pub(super) fn abs_timer() -> io::Result<()> {
    let ring = plain(|builder| builder)?;
    let past = Timespec::new().nsec(1);
    let args = SubmitArgs::new().timespec(&past);
    let flags = EnterFlags::EXT_ARG | EnterFlags::GETEVENTS | EnterFlags::ABS_TIMER;
    // SAFETY: nothing is queued, and EXT_ARG says what `args` is, which outlives the call.
    match unsafe { ring.submitter().enter(0, 1, flags.bits(), Some(&args)) } {
        Err(error) if error.raw_os_error() == Some(libc::ETIME) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => refused_unless(false),
    }
}

pub(super) fn buffer_ring() -> io::Result<()> {
    let buffers = Buffers::new(1, 64);
    let ring = plain(|builder| builder)?;
    // SAFETY: no operation of this ring selects from it.
    unsafe { buffers.register(&ring.submitter()) }
}

/// A silent send, then a loud nothing: one completion.
pub(super) fn cqe_skip() -> io::Result<()> {
    announced(Parameters::is_feature_skip_cqe_on_success)?;
    let (here, _there) = UnixStream::pair()?;
    let mut ring = plain(|builder| builder)?;
    let byte: &'static [u8] = b"x";
    let send = opcode::Send::new(Fd(here.as_raw_fd()), byte.as_ptr(), 1).build().flags(Flags::SKIP_SUCCESS);
    // SAFETY: the byte is there for ever.
    unsafe {
        push(&mut ring, send.user_data(1))?;
        push(&mut ring, opcode::Nop::new().build().user_data(2))?;
    }
    wait(&mut ring)?;
    refused_unless(ring.completion().next().is_none())
}

/// A receive that goes on after the first bytes.
pub(super) fn multishot_receive() -> io::Result<()> {
    // Kept from being freed until the receive is known to have ended.
    let mut buffers = ManuallyDrop::new(Buffers::new(4, 64));
    let (here, mut there) = UnixStream::pair()?;
    let mut ring = plain(|builder| builder)?;
    // SAFETY: the buffers are dropped below after the receive's last completion, or never.
    unsafe { buffers.register(&ring.submitter())? };
    buffers.publish();
    // SAFETY: the memory is the buffers'.
    unsafe { push(&mut ring, opcode::RecvMulti::new(Fd(here.as_raw_fd()), GROUP).build())? };
    there.write_all(b"x")?;
    let (result, flags) = wait(&mut ring)?;
    let works = result == 1 && cqueue::more(flags);
    drop(there);
    if !cqueue::more(flags) || !cqueue::more(wait(&mut ring)?.1) {
        drop(ring);
        drop(ManuallyDrop::into_inner(buffers));
    }
    refused_unless(works)
}

/// An accept that goes on after the first connection.
pub(super) fn multishot_accept() -> io::Result<()> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("saturing-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let address = SocketAddr::from_abstract_name(name)?;
    let listener = UnixListener::bind_addr(&address)?;
    let _peer = UnixStream::connect_addr(&address)?;
    let mut ring = plain(|builder| builder)?;
    // SAFETY: no memory is lent.
    unsafe { push(&mut ring, opcode::AcceptMulti::new(Fd(listener.as_raw_fd())).build())? };
    let (result, flags) = wait(&mut ring)?;
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    // SAFETY: the descriptor was just accepted and belongs to nobody else.
    drop(unsafe { <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(result) });
    refused_unless(cqueue::more(flags))
}

/// # Safety
/// What the entry points to must stay valid until the operation has completed.
unsafe fn push(ring: &mut IoUring, entry: Entry) -> io::Result<()> {
    // SAFETY: passed on to the caller.
    unsafe { ring.submission().push(&entry) }.map_err(io::Error::other)
}

/// Submits, and waits for a completion: its result and flags.
fn wait(ring: &mut IoUring) -> io::Result<(i32, u32)> {
    let timeout = Timespec::from(PATIENCE);
    ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&timeout))?;
    let entry = ring.completion().next();
    entry.map(|entry| (entry.result(), entry.flags())).ok_or_else(|| io::ErrorKind::TimedOut.into())
}
