//! HTTP/1.1 as bytes: requests are encoded once before the run, responses are framed as they arrive.
//!
//! Nothing here knows of sockets or clocks.

pub mod request;
pub mod response;
mod token;
