//! What verdicts rest on.

use std::fmt::{Display, Formatter, Result};

use super::times::seconds;
use super::{list, machine, percent};
use crate::judge::Reason;
use crate::result::units::{metric, time_ns};

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Reason::NoWindow => f.write_str("no window began"),
            Reason::NoAnswers => f.write_str("not one response came"),
            Reason::Failed(share) => write!(f, "{} of the requests failed", percent(*share)),
            Reason::Down { share, of_the_client } => {
                let what = if *of_the_client { "no connection was open" } else { "the target was away" };
                write!(f, "{what} for {} of the time", percent(*share))
            }
            Reason::Silent(silence) => silence.fmt(f),
            Reason::SilentFor(s, of_s) => write!(f, "nothing was answered for {} of {}", seconds(*s), seconds(*of_s)),
            Reason::TooFew(answers) => write!(f, "{answers} answers are too few to tell"),
            Reason::TooShort(s) => write!(f, "{} are too short to tell", time_ns(s * 1e9)),
            Reason::NotAccounted => f.write_str("the workers' time was not accounted for"),
            Reason::AllSteps => f.write_str("all steps together"),
            Reason::Client(fault) => f.write_str(&machine::because(fault)),
            Reason::Workers { workers, waited, cpu, spun } => {
                let who = if *workers == 1 { "the worker".into() } else { format!("the {workers} workers") };
                let spun = if *spun > 0.0 { format!(", {} of it spinning", percent(*spun)) } else { String::new() };
                write!(f, "{who} waited {} of the time (on CPU {}{spun})", percent(*waited), percent(*cpu))
            }
            Reason::NoTimeLeft(some, all) => write!(f, "{some} of {all} had no time left"),
            Reason::TargetBusy(share) => write!(f, "the target's busiest thread was on CPU {}", percent(*share)),
            Reason::BothNearLimits => f.write_str("both sides are near their limits"),
            Reason::Achieved(achieved, offered) => {
                let share = achieved / offered * 100.0;
                write!(f, "{}/s of the offered {}/s achieved ({share:.1}%)", metric(*achieved), metric(*offered))
            }
            Reason::SendLag(ns) => write!(f, "send lag p50 {}", time_ns(*ns as f64)),
            Reason::Full { in_flight, places } => {
                write!(f, "{in_flight:.1} of {places} places in flight taken on average")
            }
            Reason::Disturbed { queued, stolen } => f.write_str(&disturbed(*queued, *stolen)),
            Reason::SharedCpu(cpus) => write!(f, "the target ran on the client's CPU {}", list(cpus)),
            Reason::OfCeiling(rate, most) => {
                let (share, rate, most) = (percent(rate / most), metric(*rate), metric(*most));
                write!(f, "{rate}/s is {share} of this client's calibrated ceiling of {most}/s")
            }
            Reason::AboveCeiling(rate, most) => {
                write!(f, "{}/s exceeds the calibrated ceiling of {}/s: calibrate again", metric(*rate), metric(*most))
            }
        }
    }
}

fn disturbed(queued: f64, stolen: f64) -> String {
    let parts = [(queued, "ready to run without a CPU"), (stolen, "with the CPU stolen")];
    let parts = parts.into_iter().filter(|(share, _)| *share > 0.0);
    let parts: Vec<String> = parts.map(|(share, what)| format!("{} {what}", percent(share))).collect();
    format!("disturbed: {}", parts.join(", "))
}
