//! What follows from a result: the outcome, what there is to tell of the run, which side was the limit, and whether limits were kept.
//!
//! All of it is computed from the figures of the [`RunResult`](crate::result::RunResult) alone and comes as typed findings with the
//! figures they rest on. The sentences are made in `report/words`.

mod away;
mod client_faults;
mod headlines;
mod interference;
mod other_protocols;
mod outage;
mod outcome;
pub mod plateau;
mod reason;
mod shares;
mod silence;
pub mod slo;
mod tls;
mod unanswered;
mod verdict;
mod warning;
mod warnings;

pub use away::Away;
pub use client_faults::ClientFault;
pub use headlines::{Headline, Label};
pub use interference::Interference;
pub use other_protocols::OtherProtocol;
pub use outage::{Outage, When};
pub use reason::Reason;
pub use shares::MANY_ERRORS;
pub use silence::Silence;
pub use tls::{TlsCause, TlsTrouble};
pub use verdict::Judgement;
pub use warning::{Done, Doubt, FailureCauses, InterruptedRun, Missed, NoAnswers, Warning};
