//! What this kernel's io_uring can do, found out by trying: version numbers lie where features were ported back.

use std::sync::Arc;

use super::{Config, Endpoints, Idle, Level, SetupError};

/// The best level that can be had here.
///
/// # Errors
/// There is no io_uring for this process; the message names the cause and the cure.
pub fn level_here() -> Result<Level, SetupError> {
    let idle = Idle::build(Config::for_slots(1), 0, Arc::from([]), Endpoints::default())?;
    Ok(idle.level())
}
