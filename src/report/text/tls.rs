//! What was seen of TLS.

use super::page::{Page, Tone};
use crate::result::units::binary;
use crate::result::{Handshakes, Tls};

/// The lines of it among a run's facts.
pub(super) fn facts(tls: &Tls, page: &mut Page) {
    let agreed = [tls.version.as_deref(), tls.cipher.as_deref(), tls.alpn.as_deref()];
    let mut words: Vec<&str> = agreed.into_iter().flatten().collect();
    if words.is_empty() {
        page.fact("TLS", "no handshake was finished");
        return;
    }
    words.push(if tls.verified { "verified" } else { "not verified" });
    page.fact("TLS", &words.join(", "));
    if let Some(certificate) = &tls.certificate {
        let words =
            format!("{}, issued by {}, until {}", certificate.subject, certificate.issuer, certificate.not_after);
        page.fact("Certificate", &words);
    }
    let Handshakes { full, resumed, retried, failed } = &tls.handshakes;
    let mut words = format!("{full} full, {resumed} resumed");
    if *retried > 0 {
        words.push_str(&format!(", {retried} with a second hello"));
    }
    if !failed.is_empty() {
        words.push_str(&format!(", {} failed", failed.values().sum::<u64>()));
    }
    page.fact("Handshakes", &words);
    let [sent, received] = [tls.content_bytes.sent, tls.content_bytes.received].map(|bytes| binary(bytes as f64));
    page.fact("Content", &format!("{sent}B sent, {received}B received in records"));
    if tls.ended_unsaid > 0 {
        page.line(Tone::Plain, &format!("  {} connections ended without close_notify", tls.ended_unsaid));
    }
}
