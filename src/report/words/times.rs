//! When something was, and how far a run had come.

use std::fmt::{Display, Formatter, Result};

use crate::judge::{Done, InterruptedRun, Outage, Silence, When};
use crate::result::InterruptedIn;
use crate::result::units::{duration_s, time_ns};

/// All times of a sentence in one unit, unless that would make nothing of one.
pub(super) fn seconds(s: f64) -> String {
    if s <= 0.0 || s >= 0.1 { format!("{:.2}s", s.max(0.0)) } else { time_ns(s * 1e9) }
}

/// `window 3: `, or nothing.
pub(super) fn of_part(part: Option<&String>) -> String {
    part.map_or_else(String::new, |part| format!("{part}: "))
}

impl Display for Silence {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Silence { part, since_s, of_s, lost } = self;
        write!(f, "{}nothing was answered after {} of {}", of_part(part.as_ref()), seconds(*since_s), seconds(*of_s))?;
        if *lost > 0 { write!(f, ": the last {lost} requests were lost") } else { Ok(()) }
    }
}

impl Display for Outage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let what = if self.of_the_client { "the client could open no connection" } else { "the target was away" };
        let (down, of) = (seconds(self.down_s), seconds(self.of_s));
        write!(f, "{what}{}: {down} of {of} without one open connection", self.when)
    }
}

impl Display for When {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            When::Unknown => Ok(()),
            When::From(s) => write!(f, " from {} on", seconds(s)),
            When::Between(from, to) => write!(f, " between {} and {}", seconds(from), seconds(to)),
            When::FromTo(from, to) => write!(f, " from {} to {}", seconds(from), seconds(to)),
            When::Times { times, first_s, to_the_end_s } => {
                write!(f, " {times} times, first from {} on", seconds(first_s))?;
                to_the_end_s.map_or(Ok(()), |s| write!(f, ", at last from {} on", seconds(s)))
            }
        }
    }
}

/// How far it had come, before `ended early`.
impl Display for Done {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Done::Requests(done, asked) => write!(f, "{done} of {asked} requests done, ended early"),
            Done::Seconds(s, planned_s) => {
                let of = planned_s.map_or_else(String::new, |s| format!(" of {}", duration_s(s)));
                write!(f, "ended early after {}{of}", seconds(s))
            }
        }
    }
}

impl InterruptedRun {
    fn unit(&self) -> &'static str {
        if self.steps { "step" } else { "window" }
    }

    /// Where the signal came, and what is missing of that part.
    fn place(&self) -> (String, String) {
        let what = self.unit();
        let name = self.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        let part = (self.of > 1).then(|| format!("{what} {} of {}{name}", self.part, self.of));
        match self.phase {
            InterruptedIn::WarmUp => {
                let place = match (self.warms_up, &part) {
                    (true, None) => "in the warm-up".to_owned(),
                    (true, Some(part)) => format!("in the warm-up of {part}"),
                    (false, None) => "before the window began".to_owned(),
                    (false, Some(part)) => format!("before {part} began"),
                };
                let of_it = if self.part > 1 { " of it" } else { "" };
                (place, format!("nothing{of_it} was recorded"))
            }
            InterruptedIn::Window => {
                let place = part.map_or_else(String::new, |part| format!("in {part}, "));
                let planned = self.planned_s.map_or_else(String::new, |s| format!(" of {}", duration_s(s)));
                let count = self.count.map(|(done, asked)| format!(", with {done} of {asked} requests done"));
                let ran = format!("{place}after {}{planned}{}", seconds(self.ran_s), count.unwrap_or_default());
                let covered = if self.part > 1 { "what ran until then" } else { "this part only" };
                (ran, format!("the figures cover {covered}"))
            }
            InterruptedIn::Drain => {
                let place = part.map_or_else(|| "in the drain".to_owned(), |part| format!("in the drain of {part}"));
                let left = match self.missing {
                    0 => format!("the {what} was whole, and so are its figures"),
                    missing => format!("the {what} was whole, but {missing} of its requests were not waited for"),
                };
                (place, left)
            }
        }
    }
}

impl Display for InterruptedRun {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let ((place, left), what) = (self.place(), self.unit());
        write!(f, "a signal ended the run {place}: {left}")?;
        match self.of.saturating_sub(self.part) {
            0 => Ok(()),
            1 => write!(f, ", and 1 {what} never ran"),
            more => write!(f, ", and {more} {what}s never ran"),
        }
    }
}
