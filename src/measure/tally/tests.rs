use super::*;

#[test]
fn merging_adds_every_field() {
    let mut one = Tally::new();
    one.requests =
        Requests { sent: 1, completed: 2, failed: 0, discarded: 4, in_flight_at_end: 5, begun: 3, open: None };
    one.anomalies = Anomalies { excess_bytes: 1, reset_after_response: 2, close_unannounced: 3 };
    one.connections = Connections {
        established: 1,
        answered: 2,
        reconnects: 3,
        refused: 4,
        timeout: 5,
        no_local_port: 6,
        no_descriptor: 7,
        other: 8,
        idle_closed: 9,
        not_begun: 10,
        unfinished: 11,
    };
    one.bytes = Bytes { sent: 1, received: 2, body: 3 };
    one.status[200] = 9;
    for failure in [Failure::Reset, Failure::EofMidResponse, Failure::Timeout, Failure::Protocol(3), Failure::Other] {
        one.fail(failure, 0, 2);
    }
    one.recent.single.record_n(1_000, 5);
    one.latencies.split.record_n(2_000, 1);
    one.connect.record_n(10, 1);
    let mut both = one.clone();
    both.merge(&mut one.clone());
    assert_eq!(
        both.requests,
        Requests { sent: 2, completed: 4, failed: 20, discarded: 8, in_flight_at_end: 10, begun: 6, open: None }
    );
    assert_eq!(both.errors, Errors { reset: 4, eof_mid_response: 4, timeout: 4, protocol: 4, other: 4 });
    assert_eq!(both.anomalies, Anomalies { excess_bytes: 2, reset_after_response: 4, close_unannounced: 6 });
    assert_eq!(both.connections.no_descriptor, 14);
    assert_eq!((both.connections.not_begun, both.connections.unfinished), (20, 22));
    assert_eq!(both.bytes, Bytes { sent: 2, received: 4, body: 6 });
    assert_eq!((both.status[200], both.protocol_reasons[3]), (18, 4));
    assert_eq!(both.latencies.service().count(), 12);
    assert_eq!(both.latencies.first_byte().count(), 10);
    assert_eq!(both.connect.count(), 2);
}

#[test]
fn the_window_starts_clean_and_knows_its_connections() {
    let mut tally = Tally::new();
    tally.requests = Requests {
        sent: 9,
        completed: 5,
        open: Some(Intended { intended: 9, ..Intended::default() }),
        ..Requests::default()
    };
    tally.fail(Failure::Timeout, 0, 2);
    tally.connections =
        Connections { established: 3, answered: 2, reconnects: 1, refused: 4, ..Connections::default() };
    tally.status[200] = 5;
    tally.inside = 5;
    tally.recent.response.record_n(1, 1);
    tally.latencies.lag.record_n(1, 1);
    tally.connect.record_n(7, 3);
    tally.rates.record_n(7, 3);
    tally.begin(2);
    assert_eq!(tally.requests, Requests { sent: 2, open: Some(Intended::default()), ..Requests::default() });
    assert_eq!((tally.errors, tally.inside, tally.status[200]), (Errors::default(), 0, 0));
    assert_eq!(tally.connections, Connections { established: 3, answered: 2, ..Connections::default() });
    assert!(tally.recent.response.is_empty() && tally.latencies.lag.is_empty() && tally.rates.is_empty());
    assert_eq!(tally.connect.count(), 3);
    let none = Connections { refused: 4, timeout: 1, ..Connections::default() };
    let mut tally = Tally { connections: none, ..Tally::new() };
    tally.begin(0);
    assert_eq!(tally.connections, none, "why there is none is not forgotten");
}

#[test]
fn requests_count_in_the_stage_they_were_intended_in() {
    let mut tally = Tally::new();
    tally.sample_from = 100;
    tally.segments = vec![Segment::new(200), Segment::new(300)];
    for at in [99, 100, 199, 200, 299, 300, 999] {
        tally.count(at, |requests| requests.sent += 1);
    }
    tally.fail(Failure::Reset, 99, 5);
    tally.fail(Failure::Reset, 150, 5);
    let sent = |segment: &Segment| (segment.requests.sent, segment.requests.failed);
    assert_eq!((tally.requests.sent, tally.requests.failed, tally.errors.reset), (6, 5, 5));
    assert_eq!(tally.segments.iter().map(sent).collect::<Vec<_>>(), [(2, 5), (4, 0)]);
    let mut both = Tally::new();
    both.merge(&mut tally.clone());
    both.merge(&mut tally);
    assert_eq!(both.segments.iter().map(sent).collect::<Vec<_>>(), [(4, 10), (8, 0)]);
}
