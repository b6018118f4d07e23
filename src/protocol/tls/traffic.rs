//! A connection behind its handshake: content is sealed into records and opened out of them, keys are renewed.

use std::ops::Range;

use super::fault::{Detail, Note, TlsFault};
use super::handshake::{Finished, Rekey};
use super::keys::{HEADER, Key, MAX_PLAIN, MAX_SEALED, kind};
use crate::protocol::Out;

/// Records in a row without content that a peer may send: tickets, key updates, warnings, empty ones.
const MAX_CONTROL: u32 = 32;

/// Bytes of a message of the handshake protocol that came in several records, at most.
const MAX_MESSAGE: usize = 64 * 1024;

/// Records that AES-GCM may seal with one key (RFC 8446, 5.5), less a margin.
pub const KEY_RECORDS: u64 = (1 << 24) - 4096;

/// Messages behind a handshake.
mod message {
    pub(super) const HELLO_REQUEST: u8 = 0;
    pub(super) const NEW_SESSION_TICKET: u8 = 4;
    pub(super) const KEY_UPDATE: u8 = 24;
}

/// Alerts that end nothing.
mod alert {
    pub(super) const CLOSE_NOTIFY: u8 = 0;
    pub(super) const USER_CANCELED: u8 = 90;
    pub(super) const NO_RENEGOTIATION: u8 = 100;
}

/// What a record turned out to be.
pub(super) enum Opened<'a> {
    Content(&'a mut [u8]),
    /// Dealt with.
    Control,
    /// The peer sends nothing more.
    Closed,
    Failed(Note),
}

/// Both directions.
pub(super) struct Traffic<K> {
    sending: Key,
    receiving: Key,
    kernel: K,
    /// The beginning of a record whose end is still to come.
    part: Vec<u8>,
    /// The beginning of such a message.
    message: Vec<u8>,
    /// Where in this send the record under way begins.
    begun: Option<usize>,
    /// Bytes of the fixed memory that found no room in the send, and come next.
    pending: Range<usize>,
    control: u32,
    /// Sending gets a new key after so many records.
    key_records: u64,
    /// The peer said that it sends nothing more.
    pub(super) closed: bool,
}

impl<K: Rekey> Traffic<K> {
    pub(super) fn new(finished: Finished<K>, key_records: u64) -> Self {
        let Finished { sending, receiving, kernel, .. } = finished;
        Traffic {
            sending,
            receiving,
            kernel,
            part: Vec::new(),
            message: Vec::new(),
            begun: None,
            pending: 0..0,
            control: 0,
            key_records,
            closed: false,
        }
    }

    /// Whether its key may seal nothing more, and no other can be had: TLS 1.2.
    pub(super) fn is_worn_out(&self) -> bool {
        !self.sending.is_13() && self.sending.wears_out() && self.sending.records() >= self.key_records
    }

    /// Whether there are bytes of requests that found no room yet.
    #[inline]
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The memory it borrowed for a record in parts.
    pub(super) fn take_part(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.part)
    }

    /// The next whole record of `bytes`, which begin behind what was taken before: how many are taken, and the record, which may be in `whole`;
    /// `None` if its end is still to come. Memory for parts comes from and goes to `spare`.
    pub(super) fn next_record<'a>(
        &mut self,
        bytes: &'a mut [u8],
        whole: &'a mut Vec<u8>,
        spare: &mut Vec<Vec<u8>>,
    ) -> Result<(usize, Option<&'a mut [u8]>), Note> {
        if self.part.is_empty() {
            match record_length(bytes)? {
                Some(length) if length <= bytes.len() => return Ok((length, Some(&mut bytes[..length]))),
                length => {
                    if bytes.is_empty() {
                        return Ok((0, None));
                    }
                    self.part = spare.pop().unwrap_or_default();
                    self.part.reserve(length.unwrap_or(HEADER));
                    self.part.extend_from_slice(bytes);
                    return Ok((bytes.len(), None));
                }
            }
        }
        let mut taken = 0;
        for _ in 0..2 {
            // First the header, then what that says.
            let wanted = record_length(&self.part)?.unwrap_or(HEADER);
            let more = (wanted - self.part.len()).min(bytes.len() - taken);
            self.part.reserve(wanted - self.part.len());
            self.part.extend_from_slice(&bytes[taken..taken + more]);
            taken += more;
        }
        match record_length(&self.part)? {
            Some(length) if length == self.part.len() => {
                *whole = std::mem::take(&mut self.part);
                Ok((taken, Some(whole)))
            }
            _ => Ok((taken, None)),
        }
    }

    /// Opens a record, and deals with all but content; what is to be said to that goes to `out`. `resumes`: tickets are kept.
    #[inline]
    pub(super) fn open<'a>(&mut self, record: &'a mut [u8], resumes: bool, out: &mut impl Out) -> Opened<'a> {
        if record[0] == kind::CHANGE_CIPHER_SPEC && self.receiving.is_13() {
            // For middleboxes; means nothing (RFC 8446, 5).
            return self.controlled();
        }
        let Ok((kind, content)) = self.receiving.open(record) else {
            return Opened::Failed(Note::of(TlsFault::BadRecord));
        };
        if kind == kind::DATA && !content.is_empty() && self.message.is_empty() {
            self.control = 0;
            return Opened::Content(content);
        }
        self.control(kind, content, resumes, out)
    }

    fn controlled<'a>(&mut self) -> Opened<'a> {
        self.control += 1;
        if self.control > MAX_CONTROL {
            return Opened::Failed(Note::of(TlsFault::TooMuchControl));
        }
        Opened::Control
    }

    #[cold]
    fn control<'a>(&mut self, kind: u8, content: &[u8], resumes: bool, out: &mut impl Out) -> Opened<'a> {
        let misbehaved = |what: &str| Opened::Failed(Note { fault: TlsFault::Misbehaved, detail: Detail::of(what) });
        if kind != kind::HANDSHAKE && !self.message.is_empty() {
            return misbehaved("another record within a message");
        }
        match (kind, content) {
            (kind::DATA, _) => self.controlled(),
            (kind::ALERT, &[_, alert::CLOSE_NOTIFY]) => {
                self.closed = true;
                Opened::Closed
            }
            (kind::ALERT, &[_, alert::USER_CANCELED | alert::NO_RENEGOTIATION]) => self.controlled(),
            // In TLS 1.2 a warning of level 1 ends nothing; from 1.3 on all others are fatal (RFC 8446, 6).
            (kind::ALERT, &[1, _]) if !self.receiving.is_13() => self.controlled(),
            (kind::ALERT, &[_, code]) => Opened::Failed(Note::of_alert(code)),
            (kind::HANDSHAKE, content) if !content.is_empty() => self.messages(content, resumes, out),
            _ => misbehaved("a record that has no place here"),
        }
    }

    /// Messages of the handshake protocol behind the handshake, several in a record or one in several.
    fn messages<'a>(&mut self, content: &[u8], resumes: bool, out: &mut impl Out) -> Opened<'a> {
        let mut all = std::mem::take(&mut self.message);
        all.extend_from_slice(content);
        let mut rest = all.as_slice();
        while let &[kind, a, b, c, ref behind @ ..] = rest {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > MAX_MESSAGE {
                return Opened::Failed(Note {
                    fault: TlsFault::Misbehaved,
                    detail: Detail::of("a message without end"),
                });
            }
            let Some((body, behind)) = behind.split_at_checked(length) else { break };
            if let Err(note) = self.message(kind, body, behind.is_empty(), resumes, out) {
                return Opened::Failed(note);
            }
            rest = behind;
            if let failed @ Opened::Failed(_) = self.controlled() {
                return failed;
            }
        }
        self.message = rest.to_vec();
        // One in parts counts for each part, so that it cannot grow by nothing.
        self.controlled()
    }

    fn message(&mut self, kind: u8, body: &[u8], last: bool, resumes: bool, out: &mut impl Out) -> Result<(), Note> {
        let misbehaved = |what: &str| Note { fault: TlsFault::Misbehaved, detail: Detail::of(what) };
        match (kind, self.receiving.is_13()) {
            (message::NEW_SESSION_TICKET, true) if resumes => {
                self.kernel.ticket(body).map_err(|error| Note::of_error(&error))
            }
            (message::NEW_SESSION_TICKET, true) => Ok(()),
            (message::KEY_UPDATE, true) => {
                let &[asks @ (0 | 1)] = body else { return Err(misbehaved("a malformed key update")) };
                if !last {
                    return Err(misbehaved("a message behind a key update"));
                }
                self.receiving = self.kernel.next_receiving().map_err(|error| Note::of_error(&error))?;
                if asks == 1 { self.renew(out) } else { Ok(()) }
            }
            (message::HELLO_REQUEST, false) => {
                // Renegotiation: refused, as a client may (RFC 5246, 7.4.1.1).
                self.say(kind::ALERT, &[1, alert::NO_RENEGOTIATION], out);
                Ok(())
            }
            _ => Err(misbehaved("a message that has no place here")),
        }
    }

    /// Says so and goes on with a new key.
    fn renew(&mut self, out: &mut impl Out) -> Result<(), Note> {
        if self.say(kind::HANDSHAKE, &[message::KEY_UPDATE, 0, 0, 1, 0], out) {
            self.sending = self.kernel.next_sending().map_err(|error| Note::of_error(&error))?;
        }
        Ok(())
    }

    /// For tests of peers that say themselves that they do.
    pub(super) fn renew_silently(&mut self) {
        if let Ok(key) = self.kernel.next_sending() {
            self.sending = key;
        }
    }

    /// Says that nothing more is sent.
    pub(super) fn say_goodbye(&mut self, out: &mut impl Out) {
        self.say(kind::ALERT, &[1, alert::CLOSE_NOTIFY], out);
    }

    /// One whole record. False if there is no room.
    pub(super) fn say(&mut self, kind: u8, content: &[u8], out: &mut impl Out) -> bool {
        let (before, behind) = (self.sending.before(), self.sending.behind());
        let whole = before + content.len() + behind;
        let Some(space) = out.write(whole) else { return false };
        space[before..before + content.len()].copy_from_slice(content);
        self.sending.seal(kind, &mut space[..whole]);
        out.commit(whole);
        true
    }

    /// Where content goes: it becomes records with [`seal`](Traffic::seal).
    pub(super) fn content<'a, O: Out>(&'a mut self, out: &'a mut O) -> Content<'a, O> {
        Content {
            before: self.sending.before(),
            behind: self.sending.behind(),
            begun: &mut self.begun,
            pending: &mut self.pending,
            out,
        }
    }

    /// More of what found no room before.
    pub(super) fn put_pending(&mut self, out: &mut impl Out) {
        let range = std::mem::take(&mut self.pending);
        let mut content = self.content(out);
        if !range.is_empty() && !content.fixed(range.clone()) {
            self.pending = range;
        }
    }

    /// Makes records of the content put since the last time; tells how much that was.
    #[inline]
    pub(super) fn seal(&mut self, out: &mut impl Out) -> usize {
        let Some(begun) = self.begun.take() else { return 0 };
        let (before, behind) = (self.sending.before(), self.sending.behind());
        let length = out.made().len() - begun - before;
        if length == 0 {
            out.cut(before);
            return 0;
        }
        let count = length.div_ceil(MAX_PLAIN);
        let more = count * behind + (count - 1) * before;
        if out.write(more).is_none() {
            unreachable!("content leaves room for what is around it");
        }
        out.commit(more);
        let records = &mut out.made()[begun..];
        let whole = before + MAX_PLAIN + behind;
        // The last first, so that nothing is written over.
        for at in (1..count).rev() {
            let from = before + at * MAX_PLAIN;
            let part = MAX_PLAIN.min(length - at * MAX_PLAIN);
            records.copy_within(from..from + part, at * whole + before);
        }
        records.chunks_mut(whole).for_each(|record| self.sending.seal(kind::DATA, record));
        if self.sending.records() >= self.key_records && self.sending.is_13() && self.sending.wears_out() {
            // Without room now there is with the next send.
            let _ = self.renew(out);
        }
        length
    }
}

/// Bytes of the record that `bytes` begin with; `None` if that cannot be seen yet.
#[inline]
fn record_length(bytes: &[u8]) -> Result<Option<usize>, Note> {
    let &[kind, major, _, high, low, ..] = bytes else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if major != 3 || !(kind::CHANGE_CIPHER_SPEC..=kind::DATA).contains(&kind) || length > MAX_SEALED {
        return Err(Note { fault: TlsFault::BadRecord, detail: Detail::of("it is no record of TLS") });
    }
    Ok(Some(HEADER + length))
}

/// Content on its way into records: it leaves room for what will stand around it.
pub(super) struct Content<'a, O> {
    before: usize,
    behind: usize,
    begun: &'a mut Option<usize>,
    pending: &'a mut Range<usize>,
    out: &'a mut O,
}

impl<O: Out> Content<'_, O> {
    /// Begins a record, unless one is under way: whether there is room for it.
    #[inline]
    fn begin(&mut self) -> bool {
        if self.begun.is_some() {
            return true;
        }
        if self.out.write(self.before).is_none() {
            return false;
        }
        self.out.commit(self.before);
        *self.begun = Some(self.out.made().len() - self.before);
        true
    }

    #[inline]
    fn has_pending(&self) -> bool {
        self.pending.start < self.pending.end
    }

    /// Whether there is no content yet.
    fn is_empty(&mut self) -> bool {
        self.begun.is_none_or(|begun| self.out.made().len() == begun + self.before)
    }
}

/// Bytes of content that fit `room`, with what is around them: each record has `around`, the last of them one more for what is begun already.
fn fits(room: usize, around: usize) -> usize {
    room.saturating_sub((room / MAX_PLAIN + 2) * around)
}

impl<O: Out> Out for Content<'_, O> {
    #[inline]
    fn fixed(&mut self, range: Range<usize>) -> bool {
        if self.has_pending() || !self.begin() {
            return false;
        }
        let room = self.room();
        if range.len() <= room {
            return self.out.fixed(range);
        }
        // Only what is too large for any send is parted.
        if room == 0 || !self.is_empty() {
            return false;
        }
        let part = range.start..range.start + room;
        *self.pending = part.end..range.end;
        self.out.fixed(part)
    }

    #[inline]
    fn write(&mut self, most: usize) -> Option<&mut [u8]> {
        if self.has_pending() || !self.begin() || most > self.room() {
            return None;
        }
        self.out.write(most)
    }

    #[inline]
    fn commit(&mut self, count: usize) {
        self.out.commit(count);
    }

    fn room(&mut self) -> usize {
        fits(self.out.room(), self.before + self.behind)
    }

    fn made(&mut self) -> &mut [u8] {
        let start = self.begun.map_or(0, |begun| begun + self.before);
        &mut self.out.made()[start..]
    }

    fn cut(&mut self, count: usize) {
        self.out.cut(count);
    }
}

/// How many bytes a send needs for so many of content.
pub fn sealed_length(content: usize) -> usize {
    // As `fits` has it, from the other side: nothing stands around a record that is longer than this.
    const AROUND: usize = HEADER + 8 + 17;
    let mut whole = content + AROUND;
    while fits(whole.saturating_sub(HEADER + 8), AROUND) < content {
        whole += AROUND;
    }
    whole
}
