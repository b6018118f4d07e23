//! One direction's key: seals and opens single records in place (RFC 8446, 5.2; RFC 5246, 6.2.3.3; RFC 7905).

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, Tag, UnboundKey};
use rustls::{ConnectionTrafficSecrets, ProtocolVersion};

/// Bytes of a record's header: its type, a version, its length.
pub(super) const HEADER: usize = 5;

/// Bytes of plaintext in a record, at most.
pub(super) const MAX_PLAIN: usize = 1 << 14;

/// Bytes of a record behind its header, at most (RFC 5246, 6.2.3: that of TLS 1.2, the larger).
pub(super) const MAX_SEALED: usize = MAX_PLAIN + 2048;

/// Bytes of the tag behind what is sealed.
const TAG: usize = 16;

/// Bytes of the nonce that AES-GCM of TLS 1.2 puts before what is sealed.
const EXPLICIT_NONCE: usize = 8;

/// What a record carries.
pub(super) mod kind {
    pub(in super::super) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(in super::super) const ALERT: u8 = 21;
    pub(in super::super) const HANDSHAKE: u8 = 22;
    pub(in super::super) const DATA: u8 = 23;
}

/// A key, the nonces that go with it, and how records are built around it.
pub(super) struct Key {
    aead: LessSafeKey,
    iv: [u8; 12],
    /// Records so far.
    sequence: u64,
    form: Form,
}

/// How a version puts records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// TLS 1.3: the type is sealed too.
    Hidden,
    /// TLS 1.2 with a nonce in each record.
    Explicit,
    /// TLS 1.2 without.
    Plain,
}

/// It cannot be opened: changed on its way, of another key, or malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadRecord;

impl Key {
    /// `None` for a cipher that is not taken.
    pub(super) fn new(secrets: (u64, ConnectionTrafficSecrets), version: ProtocolVersion) -> Option<Key> {
        let is_13 = version == ProtocolVersion::TLSv1_3;
        let by_version = |other| if is_13 { Form::Hidden } else { other };
        let (sequence, secrets) = secrets;
        let (algorithm, key, iv, form) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv, by_version(Form::Explicit)),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv, by_version(Form::Explicit)),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&CHACHA20_POLY1305, key, iv, by_version(Form::Plain))
            }
            _ => return None,
        };
        let aead = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).ok()?);
        Some(Key { aead, iv: iv.as_ref().try_into().ok()?, sequence, form })
    }

    /// How many records it has sealed or opened.
    pub(super) fn records(&self) -> u64 {
        self.sequence
    }

    /// Whether the type of a record is sealed with it, as in TLS 1.3.
    pub(super) fn is_13(&self) -> bool {
        self.form == Form::Hidden
    }

    /// Whether so many records are as many as the key may seal (AES-GCM; RFC 8446, 5.5).
    pub(super) fn wears_out(&self) -> bool {
        !std::ptr::eq(self.aead.algorithm(), &CHACHA20_POLY1305)
    }

    /// Bytes before the plaintext.
    #[inline]
    pub(super) fn before(&self) -> usize {
        if self.form == Form::Explicit { HEADER + EXPLICIT_NONCE } else { HEADER }
    }

    /// Bytes behind it.
    #[inline]
    pub(super) fn behind(&self) -> usize {
        if self.form == Form::Hidden { 1 + TAG } else { TAG }
    }

    #[inline]
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()).for_each(|(byte, by)| *byte ^= by);
        nonce
    }

    #[inline]
    fn aad_12(&self, kind: u8, length: usize) -> [u8; 13] {
        let mut aad = [0; 13];
        aad[..8].copy_from_slice(&self.sequence.to_be_bytes());
        aad[8..11].copy_from_slice(&[kind, 3, 3]);
        aad[11..].copy_from_slice(&(length as u16).to_be_bytes());
        aad
    }

    /// Makes a record of `record`: [`before`](Key::before) bytes of space, the plaintext, [`behind`](Key::behind) bytes of space.
    ///
    /// # Panics
    /// If the plaintext is longer than [`MAX_PLAIN`].
    #[inline]
    pub(super) fn seal(&mut self, kind: u8, record: &mut [u8]) {
        let (start, end) = (self.before(), record.len() - self.behind());
        assert!(end - start <= MAX_PLAIN, "a record holds 16 KiB");
        let outer = if self.is_13() { kind::DATA } else { kind };
        let [high, low] = ((record.len() - HEADER) as u16).to_be_bytes();
        record[..HEADER].copy_from_slice(&[outer, 3, 3, high, low]);
        let nonce = self.nonce();
        let whole = record.len();
        let sealed = match self.form {
            Form::Hidden => {
                record[end] = kind;
                let (header, rest) = record.split_at_mut(HEADER);
                let plain = &mut rest[..end + 1 - HEADER];
                self.aead.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&*header), plain)
            }
            Form::Explicit | Form::Plain => {
                if self.form == Form::Explicit {
                    record[HEADER..start].copy_from_slice(&nonce[4..]);
                }
                let aad = Aad::from(self.aad_12(kind, end - start));
                self.aead.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut record[start..end])
            }
        };
        // Only lengths that no record has can fail.
        let tag = sealed.expect("a record is short enough to be sealed");
        record[whole - TAG..].copy_from_slice(tag.as_ref());
        self.sequence += 1;
    }

    /// Opens a record in place: what it carries, and that.
    #[inline]
    pub(super) fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<(u8, &'a mut [u8]), BadRecord> {
        let (header, body) = record.split_at_mut(HEADER);
        let outer = header[0];
        let sealed = body.len().checked_sub(TAG).ok_or(BadRecord)?;
        let (body, tag) = body.split_at_mut(sealed);
        let tag = Tag::from(<[u8; TAG]>::try_from(&*tag).map_err(|_| BadRecord)?);
        let nonce = self.nonce();
        let opened = match self.form {
            Form::Hidden => {
                if outer != kind::DATA {
                    return Err(BadRecord);
                }
                let nonce = Nonce::assume_unique_for_key(nonce);
                self.aead.open_in_place_separate_tag(nonce, Aad::from(&*header), tag, body, 0..)
            }
            Form::Explicit => {
                let plain = sealed.checked_sub(EXPLICIT_NONCE).ok_or(BadRecord)?;
                let mut nonce = self.iv;
                nonce[4..].copy_from_slice(&body[..EXPLICIT_NONCE]);
                let aad = Aad::from(self.aad_12(outer, plain));
                let body = &mut body[EXPLICIT_NONCE..];
                self.aead.open_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, tag, body, 0..)
            }
            Form::Plain => {
                let aad = Aad::from(self.aad_12(outer, sealed));
                self.aead.open_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, tag, body, 0..)
            }
        };
        let plain = opened.map_err(|_| BadRecord)?;
        self.sequence += 1;
        let (kind, plain) = match self.form {
            Form::Hidden => {
                // Behind the content its type, then padding of zeros.
                let end = plain.iter().rposition(|byte| *byte != 0).ok_or(BadRecord)?;
                (plain[end], &mut plain[..end])
            }
            Form::Explicit | Form::Plain => (outer, plain),
        };
        if plain.len() > MAX_PLAIN { Err(BadRecord) } else { Ok((kind, plain)) }
    }
}

impl std::fmt::Debug for Key {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("form", &self.form).field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
