//! Framing of responses, seen from outside: a table of good and bad answers, generated answers and their mutations,
//! both fed in every way, and the same bytes through hyper's parser.

mod feeding;
mod generated;
mod splits;
mod table;
mod vs_hyper;
