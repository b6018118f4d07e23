//! A [`RunResult`](crate::result::RunResult) as text, JSON, CSV and in HdrHistogram's formats, a
//! [`Snapshot`](crate::result::Snapshot) as a line of progress. Pure: nothing here prints.

pub mod calibration;
mod columns;
pub mod comparison;
pub mod csv;
pub mod doctor;
pub mod fold;
pub mod hdr_log;
pub mod json;
pub mod progress;
pub mod search;
pub mod spectrum;
pub mod suite;
pub mod text;
pub mod timeseries;
pub mod words;

#[cfg(test)]
pub(crate) mod tests;
