//! Answers and scripts that several tests use.

use std::io;

use super::scripted::Peer;

/// A whole answer with a body of 13 bytes.
pub(crate) const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!";

/// A script: answers every request with these bytes, and closes when asked to.
pub(crate) fn always(bytes: impl Into<Vec<u8>>) -> impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static {
    let bytes = bytes.into();
    move |peer| {
        while peer.request()? {
            peer.answer(&bytes)?;
            if peer.asked_to_close {
                return peer.close();
            }
        }
        Ok(())
    }
}

/// A script: answers one request with these bytes and ends the connection in good order, both at once.
pub(crate) fn once(bytes: impl Into<Vec<u8>>) -> impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static {
    let bytes = bytes.into();
    move |peer| {
        if peer.request()? {
            peer.will_end()?;
            peer.answer(&bytes)?;
            peer.close()?;
        }
        Ok(())
    }
}

/// A script: reads one request, writes these bytes, which are no whole answer, and ends the connection in good order.
pub(crate) fn broken(bytes: impl Into<Vec<u8>>) -> impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static {
    let bytes = bytes.into();
    move |peer| {
        if peer.request()? {
            peer.write(&bytes)?;
            peer.close()?;
        }
        Ok(())
    }
}

/// A script: reads requests and never answers.
pub(crate) fn silent() -> impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static {
    |peer| {
        while peer.request()? {}
        Ok(())
    }
}
