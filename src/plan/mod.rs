//! One validated, immutable run: what is loaded, how hard, and on which CPUs.
//!
//! Everything that can be refused is refused here, before anything starts.

pub mod cpus;
mod error;
mod load;
pub mod nic;
pub mod pem;
mod placement;
mod requests;
pub mod shapes;
mod target;
mod tls;
pub mod units;
mod url;

pub use error::Error;
pub(crate) use error::{nearest, shown};
pub use load::{
    Arrivals, DEFAULT_DRAIN, DEFAULT_INTERVAL, DEFAULT_TIMEOUT, Load, MAX_CONNECTIONS, MAX_PIPELINE, MAX_REPEAT,
    MAX_STEPS, Open, RATES, RateStage, Step, Until,
};
pub use placement::{Ask, CONNECTIONS_PER_WORKER, MAX_THREADS, Placed, Placement, Server, place, serving};
pub use requests::{RequestsSpec, Source, expected_body, expected_status};
pub use target::{Target, TargetSpec};
pub use tls::{ClientIdentity, TlsOptions, Verify, Version};
pub use url::Url;

/// A whole run, ready to start.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the load goes, and the encoded request.
    pub target: Target,
    /// How much load, and until when.
    pub load: Load,
    /// Which CPUs do the work.
    pub placement: Placement,
    /// What the workers are to run on.
    pub engine: crate::engine::EngineOptions,
    /// What a reader should know about choices made for them, one line each.
    pub notes: Vec<String>,
}

impl Plan {
    /// What connections go to, from where, and how they end.
    pub fn endpoints(&self) -> crate::engine::Endpoints {
        crate::engine::Endpoints { resets: self.load.resets, ..self.target.endpoints() }
    }
}
