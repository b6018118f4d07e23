//! What the tests of the whole command share: running it, and servers that do as they are told.

// `steady_state` is a crate of its own, as it counts allocations, and uses a part of this.
#![allow(dead_code)]

pub(crate) mod answers;
pub(crate) mod process;
pub(crate) mod saturing;
pub(crate) mod scripted;
