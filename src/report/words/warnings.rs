//! Warnings and headlines.

use std::fmt::{Display, Formatter, Result};

use super::times::of_part;
use super::{bracketed, counted, percent};
use crate::judge::{Doubt, Label, Missed, NoAnswers, Warning};
use crate::result::units::time_ns;
use crate::workload::RawFault;

impl Display for Warning {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Warning::Interrupted(signal) => signal.fmt(f),
            Warning::NoneAsExpected { differing, first } => {
                write!(f, "not one answer was as expected: {differing} differed")?;
                first.map_or(Ok(()), |(status, bytes)| write!(f, "; the first had status {status} and {bytes} bytes"))
            }
            Warning::NoAnswers(why) => write!(f, "not one response came: {why}"),
            Warning::EndedEarly { why, done } => write!(f, "{done}: {why}"),
            Warning::Outage(outage) => outage.fmt(f),
            Warning::ShortOfCount { part, done, asked } => {
                write!(f, "{}{done} of {asked} requests done", of_part(part.as_ref()))
            }
            Warning::Silent(silence) => silence.fmt(f),
            Warning::MorePartsIncomplete(count) => write!(f, "{count} more parts were incomplete"),
            Warning::UnansweredAddresses(addresses) => {
                write!(f, "no answer came from {}, though others answered", addresses.join(", "))
            }
            Warning::Failures { share, causes, tail_is_open } => {
                write!(f, "{} of the requests failed: {causes}", percent(*share))?;
                let tail = "; the times are without those, and their tail is a lower bound";
                f.write_str(if *tail_is_open { tail } else { "" })
            }
            Warning::OtherProtocol(protocol) => protocol.fmt(f),
            Warning::Tls(trouble) => trouble.fmt(f),
            Warning::NoClientCertificate(count) => write!(
                f,
                "the server asked for a certificate of the client's and got none, and {count} answers had status 400: --cert FILE --key FILE"
            ),
            Warning::Client(fault) => fault.fmt(f),
            Warning::BadAnswers { share, status } => {
                let codes: Vec<String> =
                    status.iter().map(|(code, count)| format!("{count} of status {code}")).collect();
                write!(f, "{} of the answers are errors: {}", percent(*share), codes.join(", "))
            }
            Warning::NumbersPastWidth(past) => write!(
                f,
                "{past} numbers of {{SEQ:start}} were longer than start has digits: only their last digits were sent, as others \
                 before them had been (write start with more digits)"
            ),
            Warning::RawRequest { name, fault } => write!(f, "{name} {fault}; it is sent as it is"),
            Warning::Interference(what) => what.fmt(f),
            Warning::Doubt(doubt) => doubt.fmt(f),
        }
    }
}

impl Display for Doubt {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Doubt::MissedRate(missed) => missed.fmt(f),
            Doubt::LateClient { lag_ns, is_max, p50_ns } => {
                let (high, p50) = (time_ns(*lag_ns as f64), time_ns(*p50_ns as f64));
                let name = if *is_max { "maximum" } else { "p99" };
                write!(
                    f,
                    "the send lag's {name} of {high} exceeds a tenth of the response p50 of {p50}: part of these times is the client's own, \
                     or was spent waiting for a free connection"
                )
            }
            Doubt::SentLate(ns) => {
                let late = time_ns(*ns as f64);
                write!(
                    f,
                    "a request was sent {late} late: the client stood still, or no connection was free for so long"
                )
            }
            Doubt::OpenTail { missing, intended } => {
                write!(f, "{missing} of {intended} intended requests have no response time: the tail is a lower bound")
            }
            Doubt::TimedOut { count, after_ns } => write!(
                f,
                "{count} requests timed out after {} and are not among the times: the tail is a lower bound",
                time_ns(*after_ns)
            ),
            Doubt::StarvedConnections { slowest_tenth, median } => write!(
                f,
                "the slowest tenth of the connections got {slowest_tenth:.1} answers each, under half of the median of {median}: a good \
                 mean can hide them"
            ),
            Doubt::DelayedAnswers { at_ns, share } => write!(
                f,
                "{:.0}% of the answers took about {}, and hardly any a little less: as when a server writes head and body apart without \
                 TCP_NODELAY, and waits for the client's delayed acknowledgement; or it really waits so long",
                share * 100.0,
                time_ns(*at_ns)
            ),
            Doubt::QueueOverflows(count) => write!(f, "{count} completion queue overflows: latencies are suspect"),
            Doubt::StarvedReceives(count) => {
                write!(f, "{count} receives met an empty buffer group and were repeated")
            }
        }
    }
}

impl Display for NoAnswers {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            NoAnswers::NoConnection(failed) => {
                write!(f, "no connection was established{}", bracketed(&failed.to_string()))
            }
            NoAnswers::NoneEnded(begun) => write!(f, "{begun} answers began, none ended"),
            NoAnswers::NotAnswered { sent, failed, causes } => {
                write!(f, "{sent} requests sent, {failed} failed{}", bracketed(&causes.to_string()))
            }
        }
    }
}

impl Display for Missed {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Missed { stage, achieved_per_s, offered_per_s, .. } = self;
        let share = achieved_per_s / offered_per_s * 100.0;
        let because = counted([
            (self.sent_late, "sent after the window"),
            (self.shed, "shed"),
            (self.unsent, "never sent"),
            (self.failed, "failed"),
            (self.not_answered, "not answered"),
        ]);
        let because = if because.is_empty() { "answers came after the window" } else { &because };
        let stage = of_part(stage.as_ref());
        write!(f, "{stage}achieved {achieved_per_s:.2}/s is {share:.1}% of the offered {offered_per_s:.2}/s: {because}")
    }
}

impl Display for RawFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            RawFault::EndlessHead => f.write_str("has no empty line that ends its head: a server waits for more of it"),
            RawFault::NoLength(body) => write!(f, "has {body} bytes behind its head and no Content-Length"),
            RawFault::OtherLength(given, body) => {
                write!(f, "has a Content-Length of {given} and {body} bytes behind its head")
            }
        }
    }
}

/// Of the column before a headline.
impl Display for Label {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Label::Interrupted => "Interrupted",
            Label::NoAnswers => "No answers",
            Label::Incomplete => "Incomplete",
            Label::Outage => "Outage",
            Label::Failed => "Failed",
        })
    }
}
