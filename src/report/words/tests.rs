use std::collections::BTreeMap;

use super::add_warning;
use crate::judge::slo::{Figure, Judged, Limit, Measure, Order};
use crate::judge::{
    Away, ClientFault, Done, Doubt, FailureCauses, Interference, InterruptedRun, Missed, NoAnswers, OtherProtocol,
    Outage, Reason, Silence, Warning, When,
};
use crate::result::bad_answers::BadAnswers;
use crate::result::unanswered::Unanswered;
use crate::result::{Clause, ConnectFailures, CutShort, Errors, InterruptedIn, NoProgress};
use crate::workload::RawFault;

fn causes(errors: Errors, reasons: &[(&str, u64)]) -> FailureCauses {
    let reasons = reasons.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
    FailureCauses { errors, timeout_ns: 2e9, reasons }
}

#[test]
fn each_headline_is_a_sentence() {
    let connects = ConnectFailures { refused: 5, timeout: 7, ..ConnectFailures::default() };
    let outage = |when, of_the_client| Warning::Outage(Outage { down_s: 1.29, of_s: 2.0, when, of_the_client });
    let times = |to_the_end_s| When::Times { times: 2, first_s: 0.8, to_the_end_s };
    let silent = |part: Option<&str>, lost| {
        Warning::Silent(Silence { part: part.map(str::to_owned), since_s: 9.0, of_s: 10.0, lost })
    };
    let early = |done| Warning::EndedEarly { why: "no progress for 30 s".into(), done };
    let all = Errors { timeout: 128, ..Errors::default() };
    for (warning, sentence) in [
        (
            Warning::NoneAsExpected { differing: 70, first: Some((500, 12)) },
            "not one answer was as expected: 70 differed; the first had status 500 and 12 bytes",
        ),
        (Warning::NoneAsExpected { differing: 70, first: None }, "not one answer was as expected: 70 differed"),
        (
            Warning::NoAnswers(NoAnswers::NoConnection(connects)),
            "not one response came: no connection was established (7 timed out, 5 refused)",
        ),
        (
            Warning::NoAnswers(NoAnswers::NoConnection(ConnectFailures {
                no_descriptor: 9,
                ..ConnectFailures::default()
            })),
            "not one response came: no connection was established (9 without a file descriptor)",
        ),
        (
            Warning::NoAnswers(NoAnswers::NoConnection(ConnectFailures::default())),
            "not one response came: no connection was established",
        ),
        (Warning::NoAnswers(NoAnswers::NoneEnded(8)), "not one response came: 8 answers began, none ended"),
        (
            Warning::NoAnswers(NoAnswers::NotAnswered { sent: 128, failed: 128, causes: causes(all, &[]) }),
            "not one response came: 128 requests sent, 128 failed (128 timed out after 2.00s)",
        ),
        (early(Done::Requests(5_339, 5_000_000)), "5339 of 5000000 requests done, ended early: no progress for 30 s"),
        (early(Done::Seconds(10.0, Some(90.0))), "ended early after 10.00s of 90s: no progress for 30 s"),
        (early(Done::Seconds(10.0, None)), "ended early after 10.00s: no progress for 30 s"),
        (outage(When::Unknown, false), "the target was away: 1.29s of 2.00s without one open connection"),
        (
            outage(When::From(0.71), false),
            "the target was away from 0.71s on: 1.29s of 2.00s without one open connection",
        ),
        (
            outage(When::From(0.71), true),
            "the client could open no connection from 0.71s on: 1.29s of 2.00s without one open connection",
        ),
        (
            outage(When::Between(0.0, 1.0), false),
            "the target was away between 0.00s and 1.00s: 1.29s of 2.00s without one open connection",
        ),
        (
            outage(When::FromTo(1.6, 2.3), false),
            "the target was away from 1.60s to 2.30s: 1.29s of 2.00s without one open connection",
        ),
        (
            outage(times(None), false),
            "the target was away 2 times, first from 0.80s on: 1.29s of 2.00s without one open connection",
        ),
        (
            outage(times(Some(2.0)), false),
            "the target was away 2 times, first from 0.80s on, at last from 2.00s on: 1.29s of 2.00s without one open connection",
        ),
        (
            Warning::Outage(Outage { down_s: 0.015, of_s: 2.0, when: When::Unknown, of_the_client: false }),
            "the target was away: 15.00ms of 2.00s without one open connection",
        ),
        (Warning::ShortOfCount { part: None, done: 900, asked: 1_000 }, "900 of 1000 requests done"),
        (
            Warning::ShortOfCount { part: Some("8 connections".into()), done: 8_002, asked: 9_000 },
            "8 connections: 8002 of 9000 requests done",
        ),
        (silent(None, 0), "nothing was answered after 9.00s of 10.00s"),
        (
            silent(Some("window 2"), 374_402),
            "window 2: nothing was answered after 9.00s of 10.00s: the last 374402 requests were lost",
        ),
        (Warning::MorePartsIncomplete(4), "4 more parts were incomplete"),
        (
            Warning::UnansweredAddresses(vec!["127.0.0.2:80".into(), "127.0.0.3:80".into()]),
            "no answer came from 127.0.0.2:80, 127.0.0.3:80, though others answered",
        ),
    ] {
        assert_eq!(warning.to_string(), sentence);
    }
}

#[test]
fn a_signal_is_told_with_where_it_came_and_what_is_missing() {
    let met = InterruptedRun {
        phase: InterruptedIn::Window,
        part: 1,
        of: 1,
        steps: false,
        name: None,
        warms_up: true,
        ran_s: 3.2,
        planned_s: Some(90.0),
        count: None,
        missing: 0,
    };
    let drain = InterruptedRun { phase: InterruptedIn::Drain, ..met.clone() };
    let warm_up = InterruptedRun { phase: InterruptedIn::WarmUp, ..met.clone() };
    let second = InterruptedRun { part: 2, of: 4, ran_s: 0.72, planned_s: Some(1.0), ..met.clone() };
    for (signal, words) in [
        (met.clone(), "after 3.20s of 90s: the figures cover this part only"),
        (
            InterruptedRun { planned_s: None, count: Some((748_804, 100_000_000)), ..met.clone() },
            "after 3.20s, with 748804 of 100000000 requests done: the figures cover this part only",
        ),
        (drain.clone(), "in the drain: the window was whole, and so are its figures"),
        (
            InterruptedRun { missing: 3, ..drain.clone() },
            "in the drain: the window was whole, but 3 of its requests were not waited for",
        ),
        (
            InterruptedRun { part: 4, of: 4, ..drain },
            "in the drain of window 4 of 4: the window was whole, and so are its figures",
        ),
        (
            second.clone(),
            "in window 2 of 4, after 0.72s of 1s: the figures cover what ran until then, and 2 windows never ran",
        ),
        (
            InterruptedRun { steps: true, of: 3, name: Some("2 connections".into()), ..second },
            "in step 2 of 3 (2 connections), after 0.72s of 1s: the figures cover what ran until then, and 1 step never ran",
        ),
        (warm_up.clone(), "in the warm-up: nothing was recorded"),
        (InterruptedRun { warms_up: false, ..warm_up.clone() }, "before the window began: nothing was recorded"),
        (
            InterruptedRun { part: 2, of: 3, ..warm_up.clone() },
            "in the warm-up of window 2 of 3: nothing of it was recorded, and 1 window never ran",
        ),
        (
            InterruptedRun { part: 2, of: 2, warms_up: false, ..warm_up },
            "before window 2 of 2 began: nothing of it was recorded",
        ),
    ] {
        assert_eq!(Warning::Interrupted(signal).to_string(), format!("a signal ended the run {words}"));
    }
}

#[test]
fn each_warning_is_a_sentence_with_its_figures() {
    let tail = "; the times are without those, and their tail is a lower bound";
    let all = Errors { reset: 50, timeout: 30, protocol: 19, check: 2, other: 1, ..Errors::default() };
    let missed = Missed { achieved_per_s: 1_000.0, offered_per_s: 2_000.0, ..Missed::default() };
    let raw = |fault| Warning::RawRequest { name: "bad".into(), fault };
    let tls = |alerts, records, says_so| Warning::OtherProtocol(OtherProtocol::Tls { alerts, records, says_so });
    for (warning, begins) in [
        (
            Warning::Failures { share: 0.5, causes: causes(Errors { eof_mid_response: 5_074, ..Errors::default() }, &[]), tail_is_open: false },
            "50% of the requests failed: 5074 closed in mid-response".to_owned(),
        ),
        (
            Warning::Failures {
                share: 0.1,
                causes: causes(all, &[("head_too_large", 15), ("bad_status_line", 4)]),
                tail_is_open: true,
            },
            format!(
                "10% of the requests failed: 50 reset, 30 timed out after 2.00s, 19 protocol errors (head_too_large: 15, \
                 bad_status_line: 4), 2 not as expected, 1 otherwise{tail}"
            ),
        ),
        (
            Warning::BadAnswers { share: 0.011, status: vec![(503, 7), (404, 2)] },
            "1% of the answers are errors: 7 of status 503, 2 of status 404".into(),
        ),
        (Warning::NumbersPastWidth(3), "3 numbers of {SEQ:start} were longer than start has digits: ".into()),
        (raw(RawFault::EndlessHead), "bad has no empty line that ends its head: ".into()),
        (raw(RawFault::NoLength(2)), "bad has 2 bytes behind its head and no Content-Length; it is sent as it is".into()),
        (raw(RawFault::OtherLength("9".into(), 2)), "bad has a Content-Length of 9 and 2 bytes behind its head; ".into()),
        (tls(12, 0, false), "the server speaks TLS: 12 requests got TLS alerts for an answer; it needs an https:// URL".into()),
        (
            tls(3, 4, false),
            "the server speaks TLS: 3 requests got TLS alerts for an answer, 4 requests got TLS records for an answer; it".into(),
        ),
        (
            tls(0, 0, true),
            "the server speaks TLS: an answer of status 400 says that this port is for TLS; it needs an https:// URL".into(),
        ),
        (
            Warning::OtherProtocol(OtherProtocol::Http2 { frames: 9 }),
            "the server speaks HTTP/2 only: 9 requests got its frames for an answer; it needs HTTP/2 (--http2)".into(),
        ),
    ] {
        assert!(warning.to_string().starts_with(&begins), "{warning}");
    }
    for (doubt, begins) in [
        (
            Doubt::MissedRate(missed.clone()),
            "achieved 1000.00/s is 50.0% of the offered 2000.00/s: answers came after the window",
        ),
        (
            Doubt::MissedRate(Missed {
                stage: Some("3000/s".into()),
                sent_late: 7,
                shed: 1,
                not_answered: 2,
                ..missed
            }),
            "3000/s: achieved 1000.00/s is 50.0% of the offered 2000.00/s: 7 sent after the window, 1 shed, 2 not answered",
        ),
        (
            Doubt::LateClient { lag_ns: 2_000_000, is_max: false, p50_ns: 2_000_000 },
            "the send lag's p99 of 2.00ms exceeds a tenth of the response p50 of 2.00ms: ",
        ),
        (
            Doubt::LateClient { lag_ns: 2_000_000, is_max: true, p50_ns: 2_000_000 },
            "the send lag's maximum of 2.00ms exceeds ",
        ),
        (Doubt::SentLate(50_000_000), "a request was sent 50.00ms late: "),
        (
            Doubt::OpenTail { missing: 3, intended: 20_000 },
            "3 of 20000 intended requests have no response time: the tail is a lower bound",
        ),
        (Doubt::TimedOut { count: 5, after_ns: 2e9 }, "5 requests timed out after 2.00s and are not among the times: "),
        (
            Doubt::StarvedConnections { slowest_tenth: 9.9, median: 20 },
            "the slowest tenth of the connections got 9.9 answers each, under half of the median of 20: ",
        ),
        (
            Doubt::DelayedAnswers { at_ns: 44.1e6, share: 0.96 },
            "96% of the answers took about 44.10ms, and hardly any a little less: ",
        ),
        (Doubt::QueueOverflows(1), "1 completion queue overflows: latencies are suspect"),
        (Doubt::StarvedReceives(2), "2 receives met an empty buffer group and were repeated"),
    ] {
        assert!(doubt.to_string().starts_with(begins), "{doubt}");
    }
}

#[test]
fn what_stood_in_the_clients_way_is_told_with_its_cure() {
    let still = ClientFault::StoodStill { share: 0.2, of_s: 10.0, longest_s: 1.0 };
    for (fault, begins, cure, because) in [
        (
            ClientFault::NoLocalPort { connects: 36, decides: true },
            "36 connects found no local port: ",
            "net.ipv4.tcp_tw_reuse=1",
            "36 connects found no local port",
        ),
        (
            ClientFault::NoDescriptor { connects: 1, decides: true },
            "1 connect found no free file descriptor: ",
            "ulimit -n",
            "1 connect found no free file descriptor",
        ),
        (
            still,
            "the client stood still for 2.00s of 10.00s, the longest time 1.00s: ",
            "stopped, suspended",
            "the client stood still for 20% of the time",
        ),
        (
            ClientFault::NoTurn { waiting: 28, requested: 128, decides: true },
            "28 of 128 connections never got their turn: ",
            "--warmup",
            "28 of 128 connections never got their turn",
        ),
    ] {
        let warning = fault.to_string();
        assert!(warning.starts_with(begins) && warning.contains(cure), "{warning}");
        assert_eq!(Reason::Client(fault).to_string(), because);
    }
    for (interference, begins) in [
        (
            Interference::SharedCpu { target: "nginx".into(), cpus: vec![0, 1] },
            "the target (nginx) ran on the client's CPU 0,1: each slows the other down",
        ),
        (Interference::SharedCore(0, 1), "workers share a physical core (CPUs 0,1, SMT)"),
        (Interference::CoreOfTarget(0, 2), "client and target share a physical core (CPUs 0,2, SMT)"),
        (
            Interference::Governors(vec!["ondemand".into(), "powersave".into()]),
            "the client's CPUs change their frequency (governor ondemand, powersave, not performance)",
        ),
        (
            Interference::Queued { worker: 0, share: 0.06 },
            "worker 0 was ready to run and had no CPU for 6% of the time",
        ),
        (Interference::Steal { cpu: 0, share: 0.011 }, "the hypervisor took 1% of CPU 0 for others (steal)"),
        (Interference::Others { cpu: 0, share: 0.3 }, "others used 30% of the client's CPU 0"),
        (
            Interference::Interrupts { cpu: 0, share: 0.4 },
            "interrupts took 40% of the client's CPU 0 beside its own time",
        ),
        (Interference::CpuPressure(0.5), "threads of this host waited for a CPU in 50% of the time (PSI)"),
        (
            Interference::Little { in_flight: 64.0, rate_times_mean: 50.0 },
            "64.0 requests were in flight on average, but rate times mean time is 50.0 (Little's law)",
        ),
    ] {
        assert!(interference.to_string().starts_with(begins), "{interference}");
    }
}

#[test]
fn each_reason_of_a_verdict_is_a_sentence() {
    let silence = Silence { part: None, since_s: 7.0, of_s: 10.0, lost: 0 };
    for (reason, sentence) in [
        (Reason::NoWindow, "no window began"),
        (Reason::NoAnswers, "not one response came"),
        (Reason::Failed(0.2), "20% of the requests failed"),
        (Reason::Down { share: 0.65, of_the_client: false }, "the target was away for 65% of the time"),
        (Reason::Down { share: 0.05, of_the_client: true }, "no connection was open for 5% of the time"),
        (Reason::Silent(silence), "nothing was answered after 7.00s of 10.00s"),
        (Reason::SilentFor(9.99, 10.0), "nothing was answered for 9.99s of 10.00s"),
        (Reason::TooFew(99), "99 answers are too few to tell"),
        (Reason::TooShort(0.19), "190.00ms are too short to tell"),
        (Reason::NotAccounted, "the workers' time was not accounted for"),
        (Reason::AllSteps, "all steps together"),
        (
            Reason::Workers { workers: 1, waited: 0.62, cpu: 0.3, spun: 0.0 },
            "the worker waited 62% of the time (on CPU 30%)",
        ),
        (
            Reason::Workers { workers: 2, waited: 0.61, cpu: 0.99, spun: 0.6 },
            "the 2 workers waited 61% of the time (on CPU 99%, 60% of it spinning)",
        ),
        (Reason::NoTimeLeft(1, 2), "1 of 2 had no time left"),
        (Reason::TargetBusy(0.98), "the target's busiest thread was on CPU 98%"),
        (Reason::BothNearLimits, "both sides are near their limits"),
        (Reason::Achieved(1_960.0, 2_000.0), "1.96k/s of the offered 2.00k/s achieved (98.0%)"),
        (Reason::SendLag(10_000), "send lag p50 10.00us"),
        (Reason::Full { in_flight: 63.96, places: 64.0 }, "64.0 of 64 places in flight taken on average"),
        (Reason::Disturbed { queued: 0.08, stolen: 0.0 }, "disturbed: 8% ready to run without a CPU"),
        (
            Reason::Disturbed { queued: 0.08, stolen: 0.3 },
            "disturbed: 8% ready to run without a CPU, 30% with the CPU stolen",
        ),
        (Reason::SharedCpu(vec![0]), "the target ran on the client's CPU 0"),
        (Reason::OfCeiling(81e3, 100e3), "81.00k/s is 81% of this client's calibrated ceiling of 100.00k/s"),
        (Reason::AboveCeiling(81e3, 80e3), "81.00k/s exceeds the calibrated ceiling of 80.00k/s: calibrate again"),
    ] {
        assert_eq!(reason.to_string(), sentence);
    }
}

#[test]
fn losses_are_listed_by_cause() {
    let bad = BadAnswers { share: 0.0212, failed: 16, status: BTreeMap::from([(404, 80), (503, 10)]), of: 5_006 };
    assert_eq!(bad.to_string(), "2.1% errors (404: 80, 503: 10, failed: 16)");
    let some = Unanswered {
        of: 1_000,
        timed_out: 60,
        broken_off: 4,
        failed_otherwise: 2,
        waiting: 4,
        unsent: 30,
        ..Unanswered::default()
    };
    let causes = "60 timed out, 4 broken off, 2 failed otherwise, 4 still waiting at the end, 30 never sent";
    assert_eq!(some.to_string(), format!("10.0% not answered ({causes})"));
    let all = Unanswered { of: 100, ..some };
    assert_eq!(all.to_string(), format!("nothing was answered (100 requests: {causes} as no connection was free)"));
    let begun = Unanswered { of: 1, waiting: 1, begun: 1, ..Unanswered::default() };
    let words = "nothing was answered (1 request: 1 still waiting at the end, answers begun and not ended: 1)";
    assert_eq!(begun.to_string(), words);
    assert_eq!(Unanswered::default().to_string(), "nothing was answered (0 requests)");
    let failed = ConnectFailures { refused: 3, timeout: 1, no_local_port: 9, ..ConnectFailures::default() };
    let address = || "127.0.0.1:8080".to_owned();
    let gone = Away::WentAway { address: address(), failed, last_answer_s: Some(5.0), of_s: 10.0 };
    let words = "127.0.0.1:8080 went away, its last answer came 5.00s into a window of 10.00s (connects: 3 refused, 1 timed out)";
    assert_eq!(gone.to_string(), words);
    let nobody = Away::NobodyThere { address: address(), failed: ConnectFailures::default() };
    assert_eq!(nobody.to_string(), "nobody is there at 127.0.0.1:8080: does the server run?");
}

#[test]
fn a_run_without_progress_says_what_it_tried() {
    let tried = NoProgress { for_ns: 30_000_000_000, ..NoProgress::default() };
    let failed = Errors { timeout: 4, reset: 5, ..Errors::default() };
    let connects = ConnectFailures { refused: 7, ..ConnectFailures::default() };
    for (tried, words) in [
        (tried, "no progress for 30 s: nothing could be sent"),
        (NoProgress { in_flight: 1, ..tried }, "no progress for 30 s: 1 request in flight and not answered"),
        (
            NoProgress { sent: 9, failed, ..tried },
            "no progress for 30 s: 9 requests sent and none answered (5 reset, 4 timed out)",
        ),
        (
            NoProgress { for_ns: 500_000_000, sent: 1, connects, ..tried },
            "no progress for 500 ms: 1 request sent and none answered, connections not opened (7 refused)",
        ),
    ] {
        assert_eq!(CutShort::NoProgress(Box::new(tried)).to_string(), words);
    }
    assert_eq!(CutShort::NoConnection.to_string(), "no connection could be opened");
    assert_eq!(CutShort::RingFailed("EINVAL".into()).to_string(), "the ring failed: EINVAL");
}

#[test]
fn limits_are_told_with_their_figures() {
    let limit = Limit { text: "p99<5ms".into(), measure: Measure::Rate, kind: None, order: Order::Below, bound: 5e6 };
    for (figure, words, value) in [
        (Figure::None, "none", None),
        (Figure::Rate(2_000.0), "2.00k/s", Some(2_000.0)),
        (Figure::Errors(0.0), "0.000%", Some(0.0)),
        (
            Figure::Outage { share: 0.645, down_ns: 1_290_000_000, of_s: 2.0 },
            "64.500% (no connection open for 1.29s of 2.00s)",
            Some(0.645),
        ),
        (Figure::Time(990_464.0), "0.99ms", Some(990_464.0)),
        (Figure::NotAnswered, "not answered", None),
    ] {
        let clause = Clause::from(&Judged { limit: limit.clone(), figure, held: true });
        assert_eq!(clause, Clause { clause: "p99<5ms".into(), figure: words.into(), value, held: true });
    }
}

#[test]
fn shares_are_rounded_to_the_end_only_when_they_are_there() {
    let words = [0.0, 0.004, 0.5, 0.994, 0.999, 1.0].map(super::percent);
    assert_eq!(words, ["0%", "0.4%", "50%", "99.4%", "99.9%", "100%"]);
}

#[test]
fn a_warning_that_differs_in_its_figures_alone_is_not_added_again() {
    let mut warnings = vec!["others used 30% of CPU 0".to_owned()];
    add_warning(&mut warnings, "others used 31.5% of CPU 1");
    add_warning(&mut warnings, "stolen");
    assert_eq!(warnings, ["others used 30% of CPU 0", "stolen"]);
}
