//! What a reader must know before any figure: that the run did not do what was asked, or that the target was away.

use super::silence::Part;
use super::{Done, FailureCauses, InterruptedRun, NoAnswers, Warning};
use crate::result::{InterruptedIn, Interruption, Outcome, RunResult};

/// Parts of a run that are told of one by one.
const PARTS: usize = 3;
/// Failures are told of before any figure from this share of the requests on.
const FAILED: f64 = 0.10;

/// A warning that stands before any figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Headline {
    /// Under which label.
    pub label: Label,
    /// What is told.
    pub warning: Warning,
}

/// What a headline is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// A signal ended the run.
    Interrupted,
    /// There is no answer.
    NoAnswers,
    /// The run did not do what was asked.
    Incomplete,
    /// The target was away for a while.
    Outage,
    /// Many requests failed.
    Failed,
}

impl RunResult {
    /// The cause before its effect; empty for a run that did what was asked of a target that was there.
    #[must_use]
    pub fn headlines(&self) -> Vec<Headline> {
        let mut all = Vec::new();
        let mut tell = |label, warnings: &mut dyn Iterator<Item = Warning>| {
            all.extend(warnings.map(|warning| Headline { label, warning }));
        };
        tell(Label::Interrupted, &mut self.interrupted_run().map(Warning::Interrupted).into_iter());
        if self.all_differ() {
            let first = self.differing.first().map(|one| (one.status, one.body_bytes));
            let differing = self.errors.check;
            tell(Label::Failed, &mut std::iter::once(Warning::NoneAsExpected { differing, first }));
            tell(Label::Incomplete, &mut self.early_end().into_iter());
            return all;
        }
        if self.requests.completed == 0 {
            // Of a warm-up nothing is recorded: whether answers came is not known.
            let none = (!self.saw_no_window()).then(|| Warning::NoAnswers(self.no_answers()));
            let tls = self.tls_troubles().into_iter().map(Warning::Tls);
            tell(Label::NoAnswers, &mut none.into_iter().chain(tls).chain(self.early_end()));
            return all;
        }
        // Where the run did not come to its end, the outage is why.
        let outage = if self.outcome == Outcome::Incomplete { Label::Incomplete } else { Label::Outage };
        tell(outage, &mut self.outage().map(Warning::Outage).into_iter());
        tell(Label::Incomplete, &mut self.what_is_incomplete().into_iter());
        tell(Label::Failed, &mut self.failures().filter(|_| self.failed_share() >= FAILED).into_iter());
        all
    }

    /// Whole answers came, and none was as expected.
    pub(super) fn all_differ(&self) -> bool {
        self.requests.completed == 0 && self.errors.check > 0
    }

    fn what_is_incomplete(&self) -> Vec<Warning> {
        let mut all: Vec<Warning> = self.early_end().into_iter().collect();
        let parts: Vec<Warning> = self.parts().iter().filter_map(|part| self.incomplete(part)).collect();
        let more = parts.len().saturating_sub(PARTS);
        all.extend(parts.into_iter().take(PARTS));
        all.extend((more > 0).then_some(Warning::MorePartsIncomplete(more)));
        let silent = &self.target.unanswered;
        all.extend((!silent.is_empty()).then(|| Warning::UnansweredAddresses(silent.clone())));
        all
    }

    fn interruption(&self) -> Option<Interruption> {
        let (duration_s, requests) = (self.plan.duration_s, self.plan.requests);
        let somewhere = Interruption { part: 1, of: 1, duration_s, requests, ..Interruption::default() };
        self.interrupted.then(|| self.interruption.unwrap_or(somewhere))
    }

    /// A signal ended the run before its first window began.
    pub(super) fn saw_no_window(&self) -> bool {
        self.interruption().is_some_and(|met| met.phase == InterruptedIn::WarmUp && met.part == 1)
    }

    fn interrupted_run(&self) -> Option<InterruptedRun> {
        let met = self.interruption()?;
        let steps = self.plan.steps.is_some();
        // Its own row; stages of the rate are no parts with an end of their own.
        let row = self.stages.iter().rfind(|stage| stage.at_end.is_some()).filter(|_| met.of > 1);
        let (requests, ran_s) =
            row.map_or((&self.requests, self.elapsed_s), |stage| (&stage.requests, stage.elapsed_s));
        Some(InterruptedRun {
            phase: met.phase,
            part: met.part,
            of: met.of,
            steps,
            name: row.filter(|_| steps).map(|row| row.name.clone()),
            warms_up: self.plan.warmup_s.is_some(),
            ran_s,
            planned_s: met.duration_s,
            count: met.requests.map(|asked| (requests.outcomes(), asked)),
            missing: requests.open.map_or(0, |open| requests.in_flight_at_end + open.unsent),
        })
    }

    fn no_answers(&self) -> NoAnswers {
        let (requests, connections) = (&self.requests, &self.connections);
        match () {
            () if connections.established == 0 => NoAnswers::NoConnection(connections.failed),
            () if requests.begun > 0 => NoAnswers::NoneEnded(requests.begun),
            () => {
                NoAnswers::NotAnswered { sent: requests.sent, failed: requests.failed, causes: FailureCauses::of(self) }
            }
        }
    }

    fn early_end(&self) -> Option<Warning> {
        let why = self.ended_early.as_ref()?.why.clone();
        let done = match self.at_end.and_then(|end| end.requests) {
            Some(asked) => Done::Requests(self.requests.outcomes(), asked),
            None => Done::Seconds(self.elapsed_s, self.plan.duration_s),
        };
        Some(Warning::EndedEarly { why, done })
    }

    /// A count that was not reached, or nothing answered at the end though something was due.
    fn incomplete(&self, part: &Part<'_>) -> Option<Warning> {
        let done = part.requests.outcomes();
        if let Some(asked) = part.end.requests.filter(|asked| done < *asked) {
            // Said already, with the reason.
            let told = self.interrupted || (self.ended_early.is_some() && self.at_end.is_some());
            return (!told).then(|| Warning::ShortOfCount { part: part.name.map(str::to_owned), done, asked });
        }
        // An outage up to the end of the run says as much.
        let told = self.is_down_to_the_end() && self.at_end.is_some();
        part.silence().filter(|_| !told).map(Warning::Silent)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::outage::tests::run;
    use super::super::{Done, FailureCauses, InterruptedRun, NoAnswers, Silence, Warning};
    use super::Label;
    use crate::result::{
        AtEnd, ConnectFailures, EndedEarly, Errors, InterruptedIn, Interruption, Outcome, Requests, RunResult, Stage,
        samples,
    };

    fn told(result: &RunResult) -> Vec<Warning> {
        result.headlines().into_iter().map(|headline| headline.warning).collect()
    }

    fn silence(part: Option<&str>, since_s: f64, of_s: f64, lost: u64) -> Warning {
        Warning::Silent(Silence { part: part.map(str::to_owned), since_s, of_s, lost })
    }

    fn short(part: Option<&str>, done: u64, asked: u64) -> Warning {
        Warning::ShortOfCount { part: part.map(str::to_owned), done, asked }
    }

    /// A window whose last answer came then, and whose target was away then.
    fn silent(last_answer_s: f64) -> AtEnd {
        AtEnd { last_answer_s: Some(last_answer_s), owed_since_s: Some(0.0), away: true, ..AtEnd::default() }
    }

    fn counted(asked: u64) -> AtEnd {
        AtEnd { requests: Some(asked), ..AtEnd::default() }
    }

    #[test]
    fn what_did_not_come_to_its_end_is_told() {
        type Spoil = fn(&mut RunResult);
        let early = |why: &str, done| Warning::EndedEarly { why: why.into(), done };
        let table: [(&str, Spoil, Warning); 9] = [
            (
                "a count that was not reached",
                |r| {
                    (r.plan.duration_s, r.at_end) = (None, Some(counted(5_000_000)));
                    (r.requests.completed, r.requests.failed) = (5_331, 8);
                    r.ended_early = Some(EndedEarly { why: "no progress for 30 s".into() });
                },
                early("no progress for 30 s", Done::Requests(5_339, 5_000_000)),
            ),
            (
                "and nobody knows why",
                |r| (r.at_end, r.requests.completed) = (Some(counted(1_000)), 900),
                short(None, 900, 1_000),
            ),
            (
                "a time that was not reached",
                |r| r.ended_early = Some(EndedEarly { why: "the ring failed".into() }),
                early("the ring failed", Done::Seconds(10.0003, Some(10.0))),
            ),
            ("silence at the end", |r| r.at_end = Some(silent(7.0)), silence(None, 7.0, 10.0003, 0)),
            (
                "a count that ended with losses",
                |r| {
                    let all = r.requests.completed;
                    r.at_end = Some(AtEnd { lost: all / 2, last_answer_s: Some(9.0), ..counted(all) });
                },
                silence(None, 9.0, 10.0003, 374_402),
            ),
            (
                "one of two addresses",
                |r| r.target.unanswered = vec!["127.0.0.2:80".into()],
                Warning::UnansweredAddresses(vec!["127.0.0.2:80".into()]),
            ),
            (
                "nobody there",
                |r| {
                    r.requests.completed = 0;
                    (r.connections.established, r.connections.down_ns) = (0, 10_000_000_000);
                    (r.connections.failed.refused, r.connections.failed.timeout) = (5, 7);
                },
                Warning::NoAnswers(NoAnswers::NoConnection(ConnectFailures {
                    refused: 5,
                    timeout: 7,
                    ..ConnectFailures::default()
                })),
            ),
            (
                "an endless stream",
                |r| {
                    (r.requests.completed, r.requests.begun) = (0, 8);
                },
                Warning::NoAnswers(NoAnswers::NoneEnded(8)),
            ),
            (
                "no answer",
                |r| {
                    (r.requests.completed, r.requests.sent, r.requests.failed) = (0, 128, 100);
                },
                Warning::NoAnswers(NoAnswers::NotAnswered {
                    sent: 128,
                    failed: 100,
                    causes: causes(Errors::default()),
                }),
            ),
        ];
        for (name, spoil, warning) in table {
            let mut result = samples::good();
            spoil(&mut result);
            assert_eq!(told(&result), [warning], "{name}");
        }
    }

    fn causes(errors: Errors) -> FailureCauses {
        FailureCauses { errors, timeout_ns: 2e9, reasons: Vec::new() }
    }

    #[test]
    fn answers_of_which_none_is_as_expected_are_failures() {
        let mut result = samples::good();
        (result.requests.completed, result.errors.check) = (0, 70);
        let headlines = result.headlines();
        assert_eq!(headlines[0].warning, Warning::NoneAsExpected { differing: 70, first: None });
        assert_eq!((headlines.len(), headlines[0].label), (1, Label::Failed));
    }

    #[test]
    fn windows_and_steps_are_told_by_name() {
        let mut result = samples::steps();
        (result.stages[1].at_end, result.stages[1].elapsed_s) = (Some(silent(0.5)), 1.0);
        result.stages[2].at_end = Some(counted(9_000));
        let expected = [silence(Some("4 connections"), 0.5, 1.0, 0), short(Some("8 connections"), 8_002, 9_000)];
        assert_eq!(told(&result), expected);
        result.stages = vec![Stage { at_end: Some(counted(9_000)), ..result.stages[2].clone() }; 7];
        let told = told(&result);
        assert_eq!((told.len(), &told[3]), (4, &Warning::MorePartsIncomplete(4)));
    }

    #[test]
    fn an_outage_up_to_the_end_says_that_nothing_was_answered() {
        let mut result = run(2.0, &[290, 1_000]);
        result.at_end = Some(silent(0.7));
        assert!(matches!(told(&result)[..], [Warning::Outage(_)]), "{:?}", told(&result));
        // It came back, and then nothing was answered all the same.
        let mut result = run(3.0, &[290, 300, 0]);
        result.at_end = Some(silent(0.7));
        let told = told(&result);
        assert!(told.len() == 2 && told[1] == silence(None, 0.7, 3.0, 0), "{told:?}");
    }

    #[test]
    fn what_was_asked_and_done_has_no_headline() {
        let mut in_time = samples::good();
        (in_time.plan.requests, in_time.at_end) = (Some(10_000_000), Some(AtEnd::default()));
        for (name, result) in [("good", samples::good()), ("open", samples::open()), ("time before count", in_time)] {
            assert_eq!(result.headlines(), [], "{name}");
        }
    }

    #[test]
    fn a_signal_is_told_with_where_it_came_and_what_is_missing() {
        let interrupted = samples::interrupted();
        let labels: Vec<Label> = interrupted.headlines().iter().map(|headline| headline.label).collect();
        assert_eq!(labels, [Label::Interrupted, Label::NoAnswers]);
        let met = |phase, part, of| Interruption { phase, part, of, duration_s: Some(1.0), requests: None };
        let mut result = RunResult { interrupted: true, outcome: Outcome::Interrupted, ..samples::good() };
        let mut tell = |met: Interruption, change: fn(&mut RunResult)| {
            (result.interruption, result.elapsed_s) = (Some(met), 0.48);
            change(&mut result);
            match &told(&result)[..] {
                [Warning::Interrupted(signal)] => signal.clone(),
                other => panic!("{other:?}"),
            }
        };
        let of_one = InterruptedRun {
            phase: InterruptedIn::Drain,
            part: 1,
            of: 1,
            steps: false,
            name: None,
            warms_up: false,
            ran_s: 0.48,
            planned_s: Some(1.0),
            count: None,
            missing: 0,
        };
        let (warm_up, window, drain) = (InterruptedIn::WarmUp, InterruptedIn::Window, InterruptedIn::Drain);
        assert_eq!(tell(met(drain, 1, 1), |_| ()), of_one);
        let counted = Interruption { duration_s: None, requests: Some(100_000_000), ..met(window, 1, 1) };
        let count = Some((748_804, 100_000_000));
        assert_eq!(
            tell(counted, |r| r.at_end = Some(AtEnd { requests: Some(100_000_000), ..AtEnd::default() })),
            InterruptedRun { phase: window, planned_s: None, count, ..of_one.clone() }
        );
        let parts: fn(&mut RunResult) = |r| {
            let window = Stage { name: "2 connections".into(), elapsed_s: 0.72, ..Stage::default() };
            r.stages = vec![Stage { at_end: Some(AtEnd::default()), ..window }];
            r.at_end = None;
        };
        let second = InterruptedRun { phase: window, part: 2, of: 4, ran_s: 0.72, ..of_one.clone() };
        assert_eq!(tell(met(window, 2, 4), parts), second);
        let steps: fn(&mut RunResult) = |r| r.plan.steps = Some(3);
        let step = InterruptedRun { steps: true, of: 3, name: Some("2 connections".into()), ..second.clone() };
        assert_eq!(tell(met(window, 2, 3), steps), step);
        let warmed: fn(&mut RunResult) = |r| (r.plan.steps, r.plan.warmup_s) = (None, Some(0.5));
        let warming = InterruptedRun { phase: warm_up, of: 3, warms_up: true, ..second };
        assert_eq!(tell(met(warm_up, 2, 3), warmed), warming);
        assert_eq!(
            tell(met(warm_up, 1, 1), |r| r.requests.completed = 0),
            InterruptedRun { phase: warm_up, warms_up: true, ..of_one }
        );
    }

    #[test]
    fn many_failures_are_told_before_any_figure() {
        for (failed, is_headline) in [(9, false), (10, true)] {
            let mut result = samples::good();
            result.requests = Requests { sent: 100, completed: 100 - failed, failed, ..Requests::default() };
            result.errors.reset = failed;
            let label = result.headlines().first().map(|headline| headline.label);
            assert_eq!(label, is_headline.then_some(Label::Failed), "{failed}");
            let causes = causes(Errors { reset: failed, ..Errors::default() });
            let told = Warning::Failures { share: failed as f64 / 100.0, causes, tail_is_open: false };
            assert_eq!(result.findings(), [told], "once, as a headline or a warning");
        }
    }
}
