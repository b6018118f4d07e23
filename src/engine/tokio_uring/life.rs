//! A connection's task.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use socket2::{SockAddr, Socket};
use tokio_uring::net::TcpStream;

use super::{Board, Key, What};
use crate::ring::say_goodbye;

/// Bytes received at a time.
const READ_BYTES: usize = 4096;

/// What a task is to do.
#[derive(Default)]
pub(super) struct Orders(RefCell<Inner>);

#[derive(Default)]
struct Inner {
    to_send: VecDeque<(Bytes, bool)>,
    closed: bool,
    waker: Option<Waker>,
    /// There once the connection is open.
    stream: Option<Rc<TcpStream>>,
    /// The same socket, where connections end by a reset.
    to_reset: Option<Socket>,
}

impl Orders {
    /// For a connection that this side ends by a reset.
    pub(super) fn resetting(socket: &Socket) -> io::Result<Orders> {
        let to_reset = Some(socket.try_clone()?);
        Ok(Orders(RefCell::new(Inner { to_reset, ..Inner::default() })))
    }

    /// Sends these bytes behind the others; with `confirm` its end is told if all went well too.
    pub(super) fn send(&self, bytes: Bytes, confirm: bool) {
        let mut inner = self.0.borrow_mut();
        inner.to_send.push_back((bytes, confirm));
        inner.wake();
    }

    /// Sends these bytes at once, in front of an end.
    pub(super) fn say_goodbye(&self, bytes: &[u8]) {
        if let Some(stream) = &self.0.borrow().stream {
            say_goodbye(stream.as_raw_fd(), bytes);
        }
    }

    /// Ends the connection; the task says nothing more.
    pub(super) fn close(&self) {
        let mut inner = self.0.borrow_mut();
        inner.closed = true;
        if let Some(socket) = inner.to_reset.take() {
            // An error means that the peer was faster.
            let _ = rustix::net::connect_unspec(socket);
            inner.stream = None;
        } else if let Some(stream) = inner.stream.take() {
            // Ends what is pending too, which holds the socket open. An error means that the peer was faster.
            let _ = stream.shutdown(Shutdown::Both);
        }
        inner.wake();
    }

    fn is_closed(&self, context: &Context<'_>) -> bool {
        let mut inner = self.0.borrow_mut();
        inner.waker = Some(context.waker().clone());
        inner.closed
    }

    fn next(&self) -> Option<(Bytes, bool)> {
        self.0.borrow_mut().to_send.pop_front()
    }
}

impl Inner {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// All that a task needs.
pub(super) struct Life {
    pub(super) key: Key,
    pub(super) socket: Socket,
    pub(super) remote: SockAddr,
    pub(super) orders: Rc<Orders>,
    pub(super) board: Rc<RefCell<Board>>,
}

/// What a task wakes up for.
enum Event {
    Closed,
    Read(io::Result<usize>, Vec<u8>),
    Written(io::Result<()>),
    /// There is something to write.
    Write(Bytes, bool),
}

impl Life {
    /// From the connect to the close.
    pub(super) async fn live(self) {
        let Life { key, socket, remote, orders, board } = self;
        let tell = |what| board.borrow_mut().tell(key, what);
        board.borrow_mut().begun += 1;
        let stream = match connect(socket, &remote, &orders).await {
            Ok(Some(stream)) => Rc::new(stream),
            Ok(None) => return,
            Err(error) => return tell(What::ConnectFailed(error)),
        };
        orders.0.borrow_mut().stream = Some(Rc::clone(&stream));
        tell(What::Connected);
        talk(&stream, key, &orders, &board).await;
    }
}

/// Connects as readiness does it, as the runtime opens no sockets of others; `None`: closed meanwhile.
async fn connect(socket: Socket, remote: &SockAddr, orders: &Orders) -> io::Result<Option<TcpStream>> {
    if let Err(error) = socket.connect(remote)
        && error.raw_os_error() != Some(libc::EINPROGRESS)
    {
        return Err(error);
    }
    let socket = tokio::net::TcpStream::from_std(socket.into())?;
    let closed = poll_fn(|context| {
        if orders.is_closed(context) {
            return Poll::Ready(Ok(true));
        }
        socket.poll_write_ready(context).map_ok(|()| false)
    });
    if closed.await? {
        return Ok(None);
    }
    let socket = socket.into_std()?;
    match socket.take_error()? {
        // Open for a moment, or it would have been refused: a read will tell the end.
        Some(error) if !matches!(error.raw_os_error(), Some(libc::ECONNRESET | libc::EPIPE)) => return Err(error),
        _ => {}
    }
    // The runtime's operations are to wait.
    socket.set_nonblocking(false)?;
    Ok(Some(TcpStream::from_std(socket)))
}

/// Reads and writes until the engine closes the connection.
async fn talk(stream: &TcpStream, key: Key, orders: &Orders, board: &RefCell<Board>) {
    let tell = |what| board.borrow_mut().tell(key, what);
    let buffer = || {
        let mut board = board.borrow_mut();
        board.begun += 1;
        let mut buffer = board.buffers.pop().unwrap_or_else(|| Vec::with_capacity(READ_BYTES));
        buffer.clear();
        buffer
    };
    let begin = |bytes| stream.write_all(bytes);
    let mut reading = pin!(Some(stream.read(Vec::new())));
    reading.set(None);
    let mut writing = pin!(None);
    let mut confirm = (false, 0);
    // The next enter, which sends first, is the first to read: what is read with nothing sent would look like an answer to
    // nothing.
    let mut begun = false;
    loop {
        let event = poll_fn(|context| {
            if orders.is_closed(context) {
                return Poll::Ready(Event::Closed);
            }
            if let Some(write) = writing.as_mut().as_pin_mut() {
                if let Poll::Ready((result, _)) = Future::poll(write, context) {
                    return Poll::Ready(Event::Written(result));
                }
            } else if let Some((bytes, confirm)) = orders.next() {
                return Poll::Ready(Event::Write(bytes, confirm));
            }
            if !begun {
                begun = true;
                reading.set(Some(stream.read(buffer())));
            }
            let Some(read) = reading.as_mut().as_pin_mut() else {
                return Poll::Pending;
            };
            read.poll(context).map(|(result, bytes)| Event::Read(result, bytes))
        });
        match event.await {
            Event::Closed => return,
            Event::Write(bytes, wanted) => {
                confirm = (wanted, bytes.len());
                board.borrow_mut().begun += 1;
                writing.set(Some(begin(bytes)));
            }
            Event::Written(result) => {
                writing.set(None);
                match result {
                    Ok(()) if confirm.0 => tell(What::Sent(Ok(confirm.1))),
                    Ok(()) => {}
                    Err(error) if confirm.0 => tell(What::Sent(Err(error))),
                    Err(error) => tell(What::SendFailed(error)),
                }
            }
            Event::Read(Ok(0), _) => {
                reading.set(None);
                tell(What::Ended(None));
            }
            Event::Read(Ok(_), bytes) => {
                reading.set(Some(stream.read(buffer())));
                tell(What::Received(bytes));
            }
            Event::Read(Err(error), _) => {
                reading.set(None);
                tell(What::Ended(Some(error)));
            }
        }
    }
}
