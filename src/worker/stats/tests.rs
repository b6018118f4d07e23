use super::*;
use crate::measure::counters::ConnectFailures;
use crate::protocol::TlsFault;

#[test]
fn merging_adds_every_field() {
    let mut one = WorkerStats::new();
    one.requests =
        Requests { sent: 1, completed: 2, failed: 0, discarded: 4, in_flight_at_end: 5, begun: 3, open: None };
    one.anomalies = Anomalies { excess_bytes: 1, reset_after_response: 2, close_unannounced: 3 };
    one.connections = Connections {
        established: 1,
        answered: 2,
        reconnects: 3,
        failed: ConnectFailures { refused: 4, timeout: 5, no_local_port: 6, no_descriptor: 7, tls: 9, other: 8 },
        idle_closed: 9,
        not_begun: 10,
        unfinished: 11,
    };
    one.bytes = Bytes { sent: 1, received: 2, body: 3 };
    let mut tls = TlsStats { full: 1, resumed: 2, retried: 3, ..TlsStats::default() };
    tls.failed(TlsFault::Alert);
    tls.handshake.record_n(10, 4);
    (tls.facts.content_sent, tls.facts.content_received, tls.facts.ended_unsaid) = (1, 2, 3);
    one.tls = Some(Box::new(tls));
    one.status[200] = 9;
    for failure in [
        Failure::Reset,
        Failure::EofMidResponse,
        Failure::Timeout,
        Failure::Protocol(ProtocolError::HeadTooLarge),
        Failure::Check,
        Failure::Tls(TlsFault::Alert),
        Failure::Other,
    ] {
        one.fail(failure, 0, 0, 2);
    }
    one.recent.single.record_n(1_000, 5);
    one.latencies.split.record_n(2_000, 1);
    one.connect.record_n(10, 1);
    let mut both = one.clone();
    both.merge(&mut one.clone());
    assert_eq!(
        both.requests,
        Requests { sent: 2, completed: 4, failed: 28, discarded: 8, in_flight_at_end: 10, begun: 6, open: None }
    );
    assert_eq!(
        both.errors,
        Errors { reset: 4, eof_mid_response: 4, timeout: 4, protocol: 4, check: 4, tls: 4, other: 4 }
    );
    assert_eq!(both.anomalies, Anomalies { excess_bytes: 2, reset_after_response: 4, close_unannounced: 6 });
    assert_eq!((both.connections.failed.no_descriptor, both.connections.failed.tls), (14, 18));
    let tls = both.tls.as_deref().expect("TLS");
    assert_eq!(
        (tls.full, tls.resumed, tls.retried, tls.faults[TlsFault::Alert.index()], tls.handshake.count()),
        (2, 4, 6, 2, 8)
    );
    assert_eq!((tls.facts.content_sent, tls.facts.content_received, tls.facts.ended_unsaid), (2, 4, 6));
    assert_eq!((both.connections.not_begun, both.connections.unfinished), (20, 22));
    assert_eq!(both.bytes, Bytes { sent: 2, received: 4, body: 6 });
    assert_eq!((both.status[200], both.protocol_reasons[3]), (18, 4));
    assert_eq!(both.latencies.service().count(), 12);
    assert_eq!(both.latencies.first_byte().count(), 10);
    assert_eq!(both.connect.count(), 2);
}

#[test]
fn the_window_starts_clean_and_knows_its_connections() {
    let mut stats = WorkerStats::new();
    stats.requests = Requests {
        sent: 9,
        completed: 5,
        open: Some(Intended { intended: 9, ..Intended::default() }),
        ..Requests::default()
    };
    stats.fail(Failure::Timeout, 0, 0, 2);
    let failed = ConnectFailures { refused: 4, timeout: 1, ..ConnectFailures::default() };
    stats.connections = Connections { established: 3, answered: 2, reconnects: 1, failed, ..Connections::default() };
    stats.status[200] = 5;
    stats.inside = 5;
    stats.recent.response.record_n(1, 1);
    stats.latencies.lag.record_n(1, 1);
    stats.connect.record_n(7, 3);
    stats.rates.record_n(7, 3);
    stats.begin(2, |_| 0);
    assert_eq!(stats.requests, Requests { sent: 2, open: Some(Intended::default()), ..Requests::default() });
    assert_eq!((stats.errors, stats.inside, stats.status[200]), (Errors::default(), 0, 0));
    assert_eq!(stats.connections, Connections { established: 3, answered: 2, ..Connections::default() });
    assert!(stats.recent.response.is_empty() && stats.latencies.lag.is_empty() && stats.rates.is_empty());
    assert_eq!(stats.connect.count(), 3);
    let none = Connections { failed, ..Connections::default() };
    let mut stats = WorkerStats { connections: none, ..WorkerStats::new() };
    stats.begin(0, |_| 0);
    assert_eq!(stats.connections, none, "why there is none is not forgotten");
}

#[test]
fn requests_count_in_the_stage_they_were_intended_in() {
    let mut stats = WorkerStats::new();
    stats.sample_from = 100;
    stats.segments = vec![Segment::new(200), Segment::new(300)];
    for at in [99, 100, 199, 200, 299, 300, 999] {
        stats.count(at, |requests| requests.sent += 1);
    }
    stats.fail(Failure::Reset, 0, 99, 5);
    stats.fail(Failure::Reset, 0, 150, 5);
    let sent = |segment: &Segment| (segment.requests.sent, segment.requests.failed);
    assert_eq!((stats.requests.sent, stats.requests.failed, stats.errors.reset), (6, 5, 5));
    assert_eq!(stats.segments.iter().map(sent).collect::<Vec<_>>(), [(2, 5), (4, 0)]);
    let mut both = WorkerStats::new();
    both.merge(&mut stats.clone());
    both.merge(&mut stats);
    assert_eq!(both.segments.iter().map(sent).collect::<Vec<_>>(), [(4, 10), (8, 0)]);
}
