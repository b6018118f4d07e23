//! A target that is not there, or not any more.

use crate::result::{ConnectFailures, Outcome, RunResult};

/// Nothing more is to be had of the target.
#[derive(Debug, Clone, PartialEq)]
pub enum Away {
    /// Nobody was there.
    NobodyThere {
        /// The first address.
        address: String,
        /// What became of the connects.
        failed: ConnectFailures,
    },
    /// It was gone before the run was over.
    WentAway {
        /// The first address.
        address: String,
        /// What became of the connects.
        failed: ConnectFailures,
        /// When the last answer came, seconds from the beginning of the window.
        last_answer_s: Option<f64>,
        /// The window, seconds.
        of_s: f64,
    },
}

impl RunResult {
    /// Why nothing more is to be had of the target: nobody was there, or it was gone before the run was over. A server that
    /// is there and answers nothing, or badly, is no such case, and neither is a client without ports or descriptors.
    #[must_use]
    pub fn away(&self) -> Option<Away> {
        let failed = self.connections.failed;
        let address = self.target.address.clone();
        let by_the_target = failed.total() - failed.of_the_client();
        // A client that stood still may not have come to connect at all.
        let tried = by_the_target > 0 || !self.client_faults().iter().any(|fault| fault.decides());
        if self.connections.established == 0 && failed.of_the_client() == 0 && tried {
            return Some(Away::NobodyThere { address, failed });
        }
        let gone = matches!(self.outcome, Outcome::Incomplete | Outcome::NoAnswers) && self.connections.down_ns > 0;
        let (last_answer_s, of_s) = (self.last_answer_s, self.elapsed_s);
        (gone && by_the_target > 0).then_some(Away::WentAway { address, failed, last_answer_s, of_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::samples;

    #[test]
    fn away_is_who_cannot_be_connected_to_and_did_not_come_back() {
        let failed = ConnectFailures { refused: 3, timeout: 1, ..ConnectFailures::default() };
        let mut result = samples::good();
        let address = || "127.0.0.1:8080".to_owned();
        assert_eq!(result.away(), None);
        result.connections.failed = failed;
        assert_eq!(result.away(), None, "it came back");
        (result.outcome, result.connections.down_ns, result.last_answer_s) =
            (Outcome::Incomplete, 5_000_150_000, Some(5.0));
        let gone = Away::WentAway { address: address(), failed, last_answer_s: Some(5.0), of_s: 10.0003 };
        assert_eq!(result.away(), Some(gone));
        result.connections.established = 0;
        assert_eq!(result.away(), Some(Away::NobodyThere { address: address(), failed }));
        result.connections.failed = ConnectFailures { no_local_port: 7, ..ConnectFailures::default() };
        assert_eq!(result.away(), None, "the client's own want of ports");
        result.connections.failed = ConnectFailures::default();
        assert!(result.away().is_some(), "nobody answers the first connects");
        for worker in &mut result.workers {
            let evidence = worker.evidence.as_mut().expect("evidence");
            let stopped_ns = (evidence.span_s * 0.8e9) as u64;
            (evidence.stopped_ns, evidence.stopped_longest_ns) = (Some(stopped_ns), Some(stopped_ns));
        }
        assert_eq!(result.away(), None, "the client stood still");
    }
}
