//! Walking over a chunked body as it arrives, without keeping any of it.
//!
//! A size is 1 to 16 hexadecimal digits. White space may follow it, then `;` and an extension, which is not read: it may
//! be empty or leave a quote open, and it ends where its line does. Nothing else may follow a size. Lines end as those
//! of a head do: at LF, with or without a CR before it, also behind the data and in trailers.

use memchr::memchr2;

use super::error::ProtocolError;
use super::head::{MAX_HEAD, MAX_HEADERS};
use crate::protocol::h1::token::is_token_byte;

/// Bytes of a size line at most, without its line end.
const MAX_SIZE_LINE: usize = 4096;
/// Hexadecimal digits of a size at most: as many as a `u64` has.
const MAX_DIGITS: usize = 16;

/// Where in a chunked body the next byte stands.
#[derive(Debug, Default)]
pub struct Chunked {
    /// The size read so far, then what is left of the chunk's data.
    left: u64,
    /// Bytes of the present size line; at the end, of all trailers.
    length: u32,
    /// Trailers begun; a folded one is one.
    trailers: u16,
    at: At,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Size,
    /// White space behind the size; no further digit may come.
    SizeSpace,
    Extension,
    SizeLf,
    Data,
    /// Behind the data: the end of its line.
    DataEnd,
    DataLf,
    /// At the start of a trailer or of the last, empty line.
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    End,
}

impl Chunked {
    /// Walks on; gives the number of bytes walked over and whether the body ended there. `data` grows by the bytes of
    /// data among them, which are shown to `tell`.
    ///
    /// # Errors
    /// At the first byte that cannot belong to a chunked body, or that passes a limit.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        data: &mut u64,
        tell: &mut dyn FnMut(&[u8]),
    ) -> Result<(usize, bool), ProtocolError> {
        let mut at = 0;
        while at < bytes.len() && self.at != At::End {
            at += match self.at {
                At::Data => self.skip_data(&bytes[at..], data, tell),
                At::Extension => self.skip_extension(&bytes[at..])?,
                At::Trailer | At::TrailerName | At::TrailerValue | At::TrailerLf | At::LastLf => {
                    self.trailer_byte(bytes[at])?;
                    1
                }
                _ => {
                    self.chunk_byte(bytes[at])?;
                    1
                }
            };
        }
        Ok((at, self.at == At::End))
    }

    fn skip_data(&mut self, bytes: &[u8], data: &mut u64, tell: &mut dyn FnMut(&[u8])) -> usize {
        let here = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        *data += here as u64;
        tell(&bytes[..here]);
        self.left -= here as u64;
        if self.left == 0 {
            self.at = At::DataEnd;
        }
        here
    }

    /// Extensions mean nothing to us: on to the end of the line.
    fn skip_extension(&mut self, bytes: &[u8]) -> Result<usize, ProtocolError> {
        let end = memchr2(b'\r', b'\n', bytes);
        let here = end.unwrap_or(bytes.len());
        self.lengthen_line(here)?;
        match end {
            None => Ok(here),
            Some(end) => {
                self.at = if bytes[end] == b'\r' { At::SizeLf } else { self.behind_size_line() };
                Ok(end + 1)
            }
        }
    }

    fn behind_size_line(&mut self) -> At {
        self.length = 0;
        if self.left == 0 { At::Trailer } else { At::Data }
    }

    /// A byte of a size line, extensions aside, or of the line end behind the data.
    fn chunk_byte(&mut self, byte: u8) -> Result<(), ProtocolError> {
        self.at = match (self.at, byte) {
            (At::Size, _) if byte.is_ascii_hexdigit() => self.size_digit(byte)?,
            // All before this were digits: there must be one.
            (At::Size, _) if self.length == 0 => return Err(ProtocolError::InvalidChunk),
            (At::Size | At::SizeSpace, b' ' | b'\t') => {
                self.lengthen_line(1)?;
                At::SizeSpace
            }
            (At::Size | At::SizeSpace, b';') => {
                self.lengthen_line(1)?;
                At::Extension
            }
            (At::Size | At::SizeSpace, b'\r') => At::SizeLf,
            (At::Size | At::SizeSpace | At::SizeLf, b'\n') => self.behind_size_line(),
            (At::DataEnd, b'\r') => At::DataLf,
            (At::DataEnd | At::DataLf, b'\n') => At::Size,
            _ => return Err(ProtocolError::InvalidChunk),
        };
        Ok(())
    }

    fn lengthen_line(&mut self, by: usize) -> Result<(), ProtocolError> {
        if by > MAX_SIZE_LINE - self.length as usize {
            return Err(ProtocolError::ChunkLineTooLong);
        }
        // At most MAX_SIZE_LINE, as was just seen.
        self.length += by as u32;
        Ok(())
    }

    fn size_digit(&mut self, byte: u8) -> Result<At, ProtocolError> {
        self.length += 1;
        if self.length as usize > MAX_DIGITS {
            return Err(ProtocolError::InvalidChunk);
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            _ => (byte | 0x20) - b'a' + 10,
        };
        // Sixteen digits fit: nothing is shifted out.
        self.left = self.left << 4 | u64::from(digit);
        Ok(At::Size)
    }

    fn trailer_byte(&mut self, byte: u8) -> Result<(), ProtocolError> {
        self.length += 1;
        if self.length as usize > MAX_HEAD {
            return Err(ProtocolError::TrailersTooLarge);
        }
        self.at = match (self.at, byte) {
            (At::Trailer, b'\r') => At::LastLf,
            (At::Trailer | At::LastLf, b'\n') => At::End,
            // A fold: the trailer before it goes on.
            (At::Trailer, b' ' | b'\t') if self.trailers > 0 => At::TrailerValue,
            (At::Trailer, _) if is_token_byte(byte) => {
                self.trailers += 1;
                if usize::from(self.trailers) > MAX_HEADERS {
                    return Err(ProtocolError::TrailersTooLarge);
                }
                At::TrailerName
            }
            (At::TrailerName, _) if is_token_byte(byte) => At::TrailerName,
            (At::TrailerName, b':') => At::TrailerValue,
            (At::TrailerValue, b'\r') => At::TrailerLf,
            (At::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => At::TrailerValue,
            (At::TrailerValue | At::TrailerLf, b'\n') => At::Trailer,
            _ => return Err(ProtocolError::InvalidTrailer),
        };
        Ok(())
    }
}
