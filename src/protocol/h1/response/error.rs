//! Why bytes from a server are no answer.

use std::fmt;

/// The rule of HTTP/1 framing that a server broke, or the limit it passed. After one of these nothing more can be
/// read from its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProtocolError {
    /// The first bytes cannot begin a response.
    NotHttp,
    /// A major version of HTTP other than 1.
    UnsupportedVersion,
    /// The status line or a header breaks the grammar.
    MalformedHead,
    /// No end of the head within 64 KiB.
    HeadTooLarge,
    /// More than 256 headers.
    TooManyHeaders,
    /// `Content-Length` is no number of bytes.
    InvalidLength,
    /// Two different lengths, or a length beside `Transfer-Encoding`.
    ConflictingLength,
    /// `Transfer-Encoding` in HTTP/1.0, or `chunked` applied twice.
    InvalidTransferEncoding,
    /// `101 Switching Protocols` without having been asked.
    UnexpectedUpgrade,
    /// A chunk's size is no number, or something stands where a line had to end.
    InvalidChunk,
    /// The line with a chunk's size is longer than 4 KiB.
    ChunkLineTooLong,
    /// A trailer breaks the grammar.
    InvalidTrailer,
    /// More than 64 KiB of trailers, or more than 256 of them.
    TrailersTooLarge,
    /// The answer is a TLS alert.
    TlsAlert,
    /// The answer is a TLS record other than an alert.
    TlsRecord,
    /// The answer is a frame or the preface of HTTP/2.
    Http2,
}

impl ProtocolError {
    /// Every one of them, in the order of [`index`](Self::index).
    pub const ALL: &[ProtocolError] = &[
        ProtocolError::NotHttp,
        ProtocolError::UnsupportedVersion,
        ProtocolError::MalformedHead,
        ProtocolError::HeadTooLarge,
        ProtocolError::TooManyHeaders,
        ProtocolError::InvalidLength,
        ProtocolError::ConflictingLength,
        ProtocolError::InvalidTransferEncoding,
        ProtocolError::UnexpectedUpgrade,
        ProtocolError::InvalidChunk,
        ProtocolError::ChunkLineTooLong,
        ProtocolError::InvalidTrailer,
        ProtocolError::TrailersTooLarge,
        ProtocolError::TlsAlert,
        ProtocolError::TlsRecord,
        ProtocolError::Http2,
    ];

    /// The place in [`ALL`](Self::ALL), for counters in an array.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Whether the peer was recognised as a speaker of another protocol.
    pub fn is_other_protocol(self) -> bool {
        matches!(self, ProtocolError::TlsAlert | ProtocolError::TlsRecord | ProtocolError::Http2)
    }

    /// A key for machines. It never changes.
    pub fn reason(self) -> &'static str {
        self.words().0
    }

    /// The key for machines and the sentence for people.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            ProtocolError::NotHttp => ("not_http", "the answer does not begin as HTTP/1 does"),
            ProtocolError::UnsupportedVersion => {
                ("unsupported_version", "the answer's status line names a version other than HTTP/1")
            }
            ProtocolError::MalformedHead => ("malformed_head", "the status line or a header breaks HTTP's grammar"),
            ProtocolError::HeadTooLarge => ("head_too_large", "the head does not end within 64 KiB"),
            ProtocolError::TooManyHeaders => ("too_many_headers", "the head has more than 256 headers"),
            ProtocolError::InvalidLength => ("invalid_length", "Content-Length is not a number of bytes"),
            ProtocolError::ConflictingLength => {
                ("conflicting_length", "the head gives two different lengths, or a length beside Transfer-Encoding")
            }
            ProtocolError::InvalidTransferEncoding => {
                ("invalid_transfer_encoding", "Transfer-Encoding in HTTP/1.0, or chunked applied twice")
            }
            ProtocolError::UnexpectedUpgrade => {
                ("unexpected_upgrade", "the server switched protocols without having been asked")
            }
            ProtocolError::InvalidChunk => {
                ("invalid_chunk", "a chunk's size is not hexadecimal, or something stands where its line must end")
            }
            ProtocolError::ChunkLineTooLong => {
                ("chunk_line_too_long", "the line with a chunk's size is longer than 4 KiB")
            }
            ProtocolError::InvalidTrailer => ("invalid_trailer", "a trailer breaks HTTP's grammar"),
            ProtocolError::TrailersTooLarge => {
                ("trailers_too_large", "more than 64 KiB of trailers, or more than 256 of them")
            }
            ProtocolError::TlsAlert => ("tls_alert", "the answer is a TLS alert: the server speaks TLS"),
            ProtocolError::TlsRecord => ("tls_record", "the answer is a TLS record: the server speaks TLS"),
            ProtocolError::Http2 => ("http2", "the answer is HTTP/2 frames: the server speaks HTTP/2"),
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}

impl std::error::Error for ProtocolError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn indices_follow_the_list_and_reasons_are_distinct() {
        for (index, error) in ProtocolError::ALL.iter().enumerate() {
            assert_eq!(error.index(), index);
        }
        let reasons: HashSet<_> = ProtocolError::ALL.iter().map(|e| e.reason()).collect();
        assert_eq!(reasons.len(), ProtocolError::ALL.len());
    }
}
