//! Answers in another protocol, named by their first bytes: TLS, and HTTP/2 without an upgrade.

use super::error::ProtocolError;

/// What a client of HTTP/2 says first; a server that repeats what it hears says it too.
const PREFACE: &[u8; 14] = b"PRI * HTTP/2.0";
/// Bytes of the head of a frame of HTTP/2.
const FRAME_HEAD: usize = 9;
/// Types of frames that a server may begin with: its settings, or why it goes away.
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// Content types of TLS records, and the one of alerts.
const RECORDS: std::ops::RangeInclusive<u8> = 0x14..=0x17;
const ALERT: u8 = 0x15;

/// The first bytes of an answer that is no HTTP/1, until they tell what it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Foreign {
    bytes: [u8; PREFACE.len()],
    seen: u8,
}

impl Foreign {
    /// Whether another protocol that is known here begins so.
    pub(super) fn may_begin(byte: u8) -> bool {
        RECORDS.contains(&byte) || matches!(byte, 0 | b'P')
    }

    /// Takes the next byte; an error once it is clear what speaks, or that it is none of those known.
    ///
    /// # Errors
    /// The protocol's name, or [`ProtocolError::NotHttp`].
    pub(super) fn take(&mut self, byte: u8) -> Result<(), ProtocolError> {
        self.bytes[usize::from(self.seen)] = byte;
        self.seen += 1;
        match name(&self.bytes[..usize::from(self.seen)]) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// What begins with `bytes`; `None` until that is clear, which it is within [`PREFACE`]'s length.
fn name(bytes: &[u8]) -> Option<ProtocolError> {
    let (may_be, whole, error) = match bytes[0] {
        b'P' => (PREFACE.starts_with(bytes), PREFACE.len(), ProtocolError::Http2),
        0 => (begins_frame(bytes), FRAME_HEAD, ProtocolError::Http2),
        ALERT => (begins_record(bytes), 3, ProtocolError::TlsAlert),
        _ => (RECORDS.contains(&bytes[0]) && begins_record(bytes), 3, ProtocolError::TlsRecord),
    };
    match may_be {
        false => Some(ProtocolError::NotHttp),
        true => (bytes.len() >= whole).then_some(error),
    }
}

/// Content type, then a version from SSL 3.0 to TLS 1.3.
fn begins_record(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().skip(1).all(|(at, &byte)| if at == 1 { byte == 3 } else { byte <= 4 })
}

/// Length (24 bits), type, flags, stream: settings or a farewell, of the connection as a whole, of a plausible length
/// (RFC 9113, 6.5 and 6.8).
fn begins_frame(bytes: &[u8]) -> bool {
    let length = bytes.get(1..3).map_or(0, |length| usize::from(length[0]) << 8 | usize::from(length[1]));
    let mut each = bytes.iter().enumerate();
    each.all(|(at, &byte)| match at {
        0 => byte == 0,
        1 => byte <= 0x40,
        2 => true,
        3 => byte == SETTINGS && length % 6 == 0 || byte == GOAWAY && length >= 8,
        4 => byte <= 1,
        5 => byte & 0x7f == 0,
        _ => byte == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of the bytes one after the other, and of which byte.
    fn told(bytes: &[u8]) -> Option<(usize, ProtocolError)> {
        let mut foreign = Foreign::default();
        bytes.iter().enumerate().find_map(|(at, &byte)| foreign.take(byte).err().map(|error| (at, error)))
    }

    #[test]
    fn protocols_are_named_by_their_first_bytes() {
        use ProtocolError::{Http2, NotHttp, TlsAlert, TlsRecord};
        type Told = Option<(usize, ProtocolError)>;
        let table: &[(&[u8], Told)] = &[
            (b"\x15\x03\x01\x00\x02\x02\x46", Some((2, TlsAlert))),
            (b"\x15\x03\x03\x00\x02\x02\x16", Some((2, TlsAlert))),
            (b"\x16\x03\x03\x00\x40", Some((2, TlsRecord))),
            (b"\x14\x03\x00", Some((2, TlsRecord))),
            (b"\x17\x03\x04", Some((2, TlsRecord))),
            (b"\x15\x03", None),
            (b"\x15\x02\x01", Some((1, NotHttp))),
            (b"\x15\x03\x05", Some((2, NotHttp))),
            (b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", Some((8, Http2))),
            (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", Some((8, Http2))),
            (b"\x00\x00\x00\x04\x01\x00\x00\x00\x00", Some((8, Http2))),
            (b"\x00\x00\x08\x07\x00\x80\x00\x00\x00", Some((8, Http2))),
            (b"\x00\x00\x12\x04\x00\x00\x00\x00", None),
            // A length that settings cannot have, one too short for a farewell, other frames, a stream of its own.
            (b"\x00\x00\x05\x04", Some((3, NotHttp))),
            (b"\x00\x00\x07\x07", Some((3, NotHttp))),
            (b"\x00\x00\x04\x08", Some((3, NotHttp))),
            (b"\x00\x41", Some((1, NotHttp))),
            (b"\x00\x00\x00\x04\x02", Some((4, NotHttp))),
            (b"\x00\x00\x00\x04\x00\x00\x00\x00\x01", Some((8, NotHttp))),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some((13, Http2))),
            (b"PRI * HTTP/2", None),
            (b"POST / HTTP/1.1", Some((1, NotHttp))),
            (b"220 ready", Some((0, NotHttp))),
        ];
        for (bytes, expected) in table {
            assert_eq!(told(bytes), *expected, "{}", bytes.escape_ascii());
            assert!(Foreign::may_begin(bytes[0]) || *expected == Some((0, NotHttp)));
        }
    }
}
