//! A [`RunResult`](crate::result::RunResult) as text or JSON, a
//! [`Snapshot`](crate::result::Snapshot) as a line of progress. Pure: nothing here prints.

pub mod json;
pub mod progress;
pub mod text;

#[cfg(test)]
mod tests;
