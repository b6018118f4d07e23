//! Limits with their figures.

use std::fmt::{Display, Formatter, Result};

use crate::judge::slo::{Figure, Judged};
use crate::result::Clause;
use crate::result::units::{metric, time_ns};

impl Display for Figure {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Figure::None => f.write_str("none"),
            Figure::Rate(rate) => write!(f, "{}/s", metric(rate)),
            Figure::Errors(share) => write!(f, "{:.3}%", share * 100.0),
            Figure::Outage { share, down_ns, of_s } => {
                let (down, of) = (time_ns(down_ns as f64), time_ns(of_s * 1e9));
                write!(f, "{:.3}% (no connection open for {down} of {of})", share * 100.0)
            }
            Figure::Time(ns) => f.write_str(&time_ns(ns)),
            Figure::NotAnswered => f.write_str("not answered"),
        }
    }
}

impl From<&Judged> for Clause {
    fn from(judged: &Judged) -> Clause {
        let Judged { limit, figure, held } = judged;
        Clause { clause: limit.text.clone(), figure: figure.to_string(), value: figure.value(), held: *held }
    }
}
