//! A target that speaks another protocol than HTTP/1: what was seen of it, and what it needs.

use super::RunResult;

impl RunResult {
    /// A sentence for each protocol that answered instead of HTTP/1, with the cure.
    pub(super) fn other_protocols(&self) -> Vec<String> {
        let count = |reason: &str| self.protocol_errors.get(reason).copied().unwrap_or(0);
        let (alerts, records, http2) = (count("tls_alert"), count("tls_record"), count("http2"));
        let tls: Vec<String> = [(alerts, "TLS alerts"), (records, "TLS records")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} requests got {what} for an answer"))
            .chain(self.target.wants_tls.then(|| "an answer of status 400 says that this port is for TLS".to_owned()))
            .collect();
        let mut all = Vec::new();
        if !tls.is_empty() {
            let seen = tls.join(", ");
            all.push(format!(
                "the server speaks TLS: {seen}; it needs an https:// URL, which saturing {} cannot load yet",
                self.version
            ));
        }
        if http2 > 0 {
            all.push(format!(
                "the server speaks HTTP/2 only: {http2} requests got its frames for an answer; it needs HTTP/2 (--http2), \
                 which saturing {} does not have yet",
                self.version
            ));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use crate::result::{RunResult, samples};

    #[test]
    fn who_answers_in_another_protocol_is_named_with_the_cure() {
        type Spoil = fn(&mut RunResult);
        let table: [(Spoil, &str); 4] = [
            (
                |r| _ = r.protocol_errors.insert("tls_alert".into(), 12),
                "the server speaks TLS: 12 requests got TLS alerts for an answer; it needs an https:// URL",
            ),
            (
                |r| {
                    r.protocol_errors.insert("tls_alert".into(), 3);
                    r.protocol_errors.insert("tls_record".into(), 4);
                },
                "the server speaks TLS: 3 requests got TLS alerts for an answer, 4 requests got TLS records for an answer; it",
            ),
            (
                |r| r.target.wants_tls = true,
                "the server speaks TLS: an answer of status 400 says that this port is for TLS; it needs an https:// URL",
            ),
            (
                |r| _ = r.protocol_errors.insert("http2".into(), 9),
                "the server speaks HTTP/2 only: 9 requests got its frames for an answer; it needs HTTP/2 (--http2)",
            ),
        ];
        for (spoil, begins) in table {
            let mut result = samples::good();
            assert_eq!(result.other_protocols(), Vec::<String>::new());
            spoil(&mut result);
            let told = result.other_protocols();
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with(begins), "{told:?}");
            assert!(result.doubts().contains(&told[0]));
        }
    }
}
