//! The kinds of time that a time series has.

use super::histogram::Histogram;

/// The kinds of time that a series has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Open loop: done - intended.
    Response,
    /// Done - sent.
    Service,
    /// Open loop: sent - intended.
    Lag,
}

impl Kind {
    /// All, in the order in which a series has them.
    pub const ALL: [Kind; 3] = [Kind::Response, Kind::Service, Kind::Lag];

    /// As it is reported.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Response => "response",
            Kind::Service => "service",
            Kind::Lag => "lag",
        }
    }
}

/// A histogram for each kind of time, in the order of [`Kind::ALL`]; without samples where a kind is not taken.
pub type Histograms = [Histogram; Kind::ALL.len()];
