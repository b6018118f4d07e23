//! see tests
