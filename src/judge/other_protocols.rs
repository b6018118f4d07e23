//! A target that speaks another protocol than HTTP/1.

use crate::result::RunResult;

/// Another protocol that was seen, with the requests that had it for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherProtocol {
    /// TLS.
    Tls {
        /// Requests that got alerts.
        alerts: u64,
        /// Requests that got other records.
        records: u64,
        /// An answer of status 400 said so in plain words.
        says_so: bool,
    },
    /// HTTP/2 only.
    Http2 {
        /// Requests that got its frames.
        frames: u64,
    },
}

impl RunResult {
    /// Each protocol that answered instead of HTTP/1.
    pub(super) fn other_protocols(&self) -> Vec<OtherProtocol> {
        let count = |reason: &str| self.protocol_errors.get(reason).copied().unwrap_or(0);
        let (alerts, records, frames) = (count("tls_alert"), count("tls_record"), count("http2"));
        let says_so = self.target.wants_tls;
        let tls = (alerts + records > 0 || says_so).then_some(OtherProtocol::Tls { alerts, records, says_so });
        tls.into_iter().chain((frames > 0).then_some(OtherProtocol::Http2 { frames })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::OtherProtocol;
    use crate::judge::Warning;
    use crate::result::{RunResult, samples};

    #[test]
    fn who_answers_in_another_protocol_is_named() {
        type Spoil = fn(&mut RunResult);
        let tls = |alerts, records, says_so| OtherProtocol::Tls { alerts, records, says_so };
        let table: [(Spoil, OtherProtocol); 4] = [
            (|r| _ = r.protocol_errors.insert("tls_alert".into(), 12), tls(12, 0, false)),
            (
                |r| {
                    r.protocol_errors.insert("tls_alert".into(), 3);
                    r.protocol_errors.insert("tls_record".into(), 4);
                },
                tls(3, 4, false),
            ),
            (|r| r.target.wants_tls = true, tls(0, 0, true)),
            (|r| _ = r.protocol_errors.insert("http2".into(), 9), OtherProtocol::Http2 { frames: 9 }),
        ];
        for (spoil, protocol) in table {
            let mut result = samples::good();
            assert_eq!(result.other_protocols(), []);
            spoil(&mut result);
            assert_eq!(result.other_protocols(), [protocol]);
            assert!(result.findings().contains(&Warning::OtherProtocol(protocol)));
        }
    }
}
