//! Figures of each kind of request, where there are several, and answers that were not those expected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bad_answers::bad_status;
use super::{Errors, Requests, RunResult, Summary};

/// A kind of request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// Its method; absent if its requests have several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Its path, placeholders as typed; absent if its requests have several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// How often it stands in the list.
    pub weight: u64,
    /// What became of its requests.
    #[serde(flatten)]
    pub requests: Requests,
    /// Its completed answers by status code.
    pub status: BTreeMap<u16, u64>,
    /// As the whole run's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expected_status: BTreeMap<u16, u64>,
    /// Its failed requests by cause.
    pub errors: Errors,
    /// Bytes of its answers.
    pub bytes: KindBytes,
    /// As the whole run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<Summary>,
    /// As the whole run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_ns: Option<Summary>,
}

/// Bytes of a kind's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindBytes {
    /// Of their bodies.
    pub body: u64,
}

/// An answer that was not the one expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    /// The kind of its request.
    pub name: String,
    /// Its status.
    pub status: u16,
    /// Bytes of its body.
    pub body_bytes: u64,
    /// The first 200 of them; what is no UTF-8 as U+FFFD.
    pub body: String,
}

impl Kind {
    /// Answers of status 400 and above that their requests do not expect.
    #[must_use]
    pub fn refused(&self) -> u64 {
        bad_status(&self.status, &self.expected_status).values().sum()
    }

    /// Requests without a good answer as a share of those that had an end; `None` where none had.
    #[must_use]
    pub fn bad_share(&self) -> Option<f64> {
        let all = self.requests.completed + self.requests.failed;
        (all > 0).then(|| (self.requests.failed + self.refused()) as f64 / all as f64)
    }
}

impl RunResult {
    /// The figures of a kind.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.mix.iter().find(|kind| kind.name == name)
    }
}
