//! What becomes of requests, by what happens to their connection.

use super::*;

#[test]
fn answers_are_told_apart_wherever_the_reads_end() {
    holds(
        &deep(),
        &[
            (&[], "Ready"),
            (&[Sent(1), arrives(&[OK])], "Ready completed=1"),
            (&[Sent(3), arrives(&[OK, OK])], "Ready completed=2 in_flight=1"),
            (&[Sent(3), arrives(&[OK, PART]), arrives(&[&OK[PART.len()..], OK])], "Ready completed=3"),
            (&[Sent(1), arrives(&[PART])], "Ready in_flight=1"),
            (&[Sent(1), arrives(&[INTERIM]), arrives(&[INTERIM, OK])], "Ready completed=1"),
            (&[Sent(1), arrives(&[UNTIL_END])], "Ready in_flight=1"),
            (&[Sent(1), arrives(&[OK]), Sent(2), arrives(&[OK])], "Ready completed=2 in_flight=1"),
        ],
    );
}

#[test]
fn an_announced_end_discards_what_is_behind_it() {
    holds(
        &deep(),
        &[
            (&[Sent(1), arrives(&[LAST])], "Nothing completed=1"),
            (&[Sent(4), arrives(&[OK, LAST])], "Nothing completed=2 discarded=2"),
            (&[Sent(4), arrives(&[LAST]), Ends], "Reopen completed=1 discarded=3"),
            (&[Sent(4), arrives(&[LAST]), Later(500), Ends], "Reopen completed=1 discarded=3"),
            (
                &[Sent(2), arrives(&[LAST]), Breaks(Failure::Reset)],
                "Reopen completed=1 discarded=1 reset_after_response=1",
            ),
            (
                &[Sent(2), arrives(&[LAST]), SendFails(Failure::Reset), Ends],
                "Reopen completed=1 discarded=1 reset_after_response=1",
            ),
            (&[Sent(2), arrives(&[LAST]), Expires], "Reopen completed=1 discarded=1"),
            // An answer behind the last one is not owed.
            (&[Sent(2), arrives(&[LAST, OK])], "Nothing completed=1 discarded=1 excess_bytes=1"),
            (&[Sent(2), arrives(&[LAST]), arrives(&[OK]), Ends], "Reopen completed=1 discarded=1 excess_bytes=1"),
            (&[Sent(3), arrives(&[UNTIL_END]), Ends], "Reopen completed=1 discarded=2"),
        ],
    );
}

#[test]
fn an_end_soon_after_an_answer_belongs_to_that_answer() {
    holds(
        &deep(),
        &[
            (&[Sent(1), arrives(&[OK]), Ends], "Reopen completed=1 close_unannounced=1"),
            (&[Sent(3), arrives(&[OK]), Ends], "Reopen completed=1 discarded=2 close_unannounced=1"),
            (
                &[Sent(1), arrives(&[OK]), Sent(2), Later(90), Ends],
                "Reopen completed=1 discarded=2 close_unannounced=1",
            ),
            (
                &[Sent(3), arrives(&[OK]), Breaks(Failure::Reset)],
                "Reopen completed=1 discarded=2 reset_after_response=1",
            ),
            (
                &[Sent(3), arrives(&[OK]), SendFails(Failure::Reset), Ends],
                "Reopen completed=1 discarded=2 reset_after_response=1",
            ),
            // Later, and nothing was asked meanwhile.
            (&[Sent(1), arrives(&[OK]), Later(100), Ends], "Reopen completed=1 idle_closed=1"),
            (&[Sent(1), arrives(&[OK]), Later(900), Breaks(Failure::Other)], "Reopen completed=1 idle_closed=1"),
        ],
    );
}

#[test]
fn later_it_fails_what_was_asked() {
    holds(
        &deep(),
        &[
            (&[Sent(1), arrives(&[OK]), Sent(2), Later(100), Ends], "Reopen completed=1 eof_mid_response=2"),
            (&[Sent(3), arrives(&[OK]), Later(100), Breaks(Failure::Reset)], "Reopen completed=1 reset=2"),
            (&[Sent(3), arrives(&[OK]), Later(100), Breaks(Failure::Other)], "Reopen completed=1 other=2"),
            // However soon, if an answer had begun.
            (&[Sent(2), arrives(&[OK, PART]), Ends], "Reopen completed=1 eof_mid_response=1"),
            (&[Sent(2), arrives(&[OK, INTERIM]), Ends], "Reopen completed=1 eof_mid_response=1"),
            (&[Sent(2), arrives(&[OK, PART]), SendFails(Failure::Reset), Ends], "Reopen completed=1 reset=1"),
            // Or if there was none before; then connecting at once again would be a flood.
            (&[Sent(2), Ends], "ReopenAt(+10) eof_mid_response=2"),
            (&[Sent(2), Breaks(Failure::Reset)], "ReopenAt(+10) reset=2"),
            (&[Sent(2), SendFails(Failure::Reset), Ends], "ReopenAt(+10) reset=2"),
            (&[Sent(2), SendFails(Failure::Other), Ends], "ReopenAt(+10) eof_mid_response=2"),
            // An answer that a reset cut off is not whole, even if only the end can tell where it ends.
            (&[Sent(1), arrives(&[UNTIL_END]), Breaks(Failure::Reset)], "ReopenAt(+10) reset=1"),
            (&[Sent(1), arrives(&[UNTIL_END]), SendFails(Failure::Reset), Ends], "ReopenAt(+10) reset=1"),
        ],
    );
}

#[test]
fn a_timeout_fails_all_that_is_in_flight() {
    holds(
        &deep(),
        &[
            (&[Sent(3), Later(50), Expires], "ReopenAt(+10) timeout=3"),
            (&[Sent(3), arrives(&[OK, PART]), Later(50), Expires], "Reopen completed=1 timeout=2"),
        ],
    );
}

#[test]
fn bytes_nobody_asked_for_are_an_anomaly_and_bad_answers_a_failure() {
    holds(
        &deep(),
        &[
            (&[Sent(1), arrives(&[OK, "more"])], "Reopen completed=1 excess_bytes=1"),
            (&[Sent(1), arrives(&[OK, OK])], "Reopen completed=1 excess_bytes=1"),
            // The connection is lost for those behind, through no fault of theirs.
            (&[Sent(3), arrives(&[OK, "more"])], "Reopen completed=1 discarded=2 excess_bytes=1"),
            (&[Sent(3), arrives(&[OK]), arrives(&["more"])], "Reopen completed=1 discarded=2 excess_bytes=1"),
            (&[Sent(2), arrives(&["220 ready\r\n"])], "ReopenAt(+10) protocol=2"),
            (&[Sent(2), arrives(&[BAD_LENGTH])], "ReopenAt(+10) protocol=2"),
            (&[Sent(3), arrives(&[OK, BAD_LENGTH])], "Reopen completed=1 protocol=2"),
            // So late that the next request has been in the server's hands.
            (&[Sent(1), arrives(&[OK]), Sent(2), Later(100), arrives(&["220"])], "Reopen completed=1 protocol=2"),
            // Wherever the reads end.
            (&[Sent(3), arrives(&[OK, "\r\nmore"])], "Reopen completed=1 discarded=2 excess_bytes=1"),
            (&[Sent(3), arrives(&[OK, "\r\n"]), arrives(&["more"])], "Reopen completed=1 discarded=2 excess_bytes=1"),
            (&[Sent(3), arrives(&[OK, "P"]), Ends], "Reopen completed=1 discarded=2 excess_bytes=1"),
            (&[Sent(3), arrives(&[OK, INTERIM, "220"])], "Reopen completed=1 protocol=2"),
            (&[Sent(3), arrives(&[OK, INTERIM]), arrives(&["220"])], "Reopen completed=1 protocol=2"),
            (&[Sent(3), arrives(&[OK, "HTML"])], "Reopen completed=1 protocol=2"),
            (&[Sent(3), arrives(&[OK, "HT"]), arrives(&["ML"])], "Reopen completed=1 protocol=2"),
            // Before anything was asked: no reason to come back at once.
            (&[arrives(&["220 ready\r\n"])], "ReopenAt(+10) excess_bytes=1"),
        ],
    );
    let job = deep();
    let mut bench = Bench::new(&job);
    bench.all_of(&[Connects, Connected, Sent(2), arrives(&[BAD_LENGTH])]);
    assert_eq!(bench.shared.stats.protocol_reasons[ProtocolError::InvalidLength.index()], 2);
}

#[test]
fn line_ends_behind_an_answer_are_nothing_whenever_they_come() {
    let endless = &"\r\n".repeat(65);
    holds(
        &deep(),
        &[
            (&[Sent(1), arrives(&[OK, "\r\n"])], "Ready completed=1"),
            (&[Sent(1), arrives(&[OK]), arrives(&["\r\n"])], "Ready completed=1"),
            (&[Sent(1), arrives(&[OK]), Later(900), arrives(&["\r\n\r\n"])], "Ready completed=1"),
            (&[Sent(2), arrives(&[OK, "\r\n", OK, "\r\n"])], "Ready completed=2"),
            (&[Sent(2), arrives(&[OK, "\r\n"]), arrives(&[OK])], "Ready completed=2"),
            (&[Sent(2), arrives(&[OK]), arrives(&["\r\n", OK])], "Ready completed=2"),
            // Cut in two, with the next request sent between.
            (&[Sent(1), arrives(&[OK, "\r"]), Sent(1), arrives(&["\n", OK])], "Ready completed=2"),
            (
                &[Sent(1), arrives(&[OK]), arrives(&["\r"]), arrives(&["\n"]), Sent(1), arrives(&[OK])],
                "Ready completed=2",
            ),
            (&[Sent(1), arrives(&[OK]), Sent(1), Later(500), arrives(&["\r\n", OK])], "Ready completed=2"),
            // An end behind them comes behind the answer.
            (&[Sent(1), arrives(&[OK, "\r\n"]), Ends], "Reopen completed=1 close_unannounced=1"),
            (&[Sent(3), arrives(&[OK, "\r\n"]), Ends], "Reopen completed=1 discarded=2 close_unannounced=1"),
            (&[Sent(2), arrives(&[OK, "\r\n", PART]), Ends], "Reopen completed=1 eof_mid_response=1"),
            (&[Sent(1), arrives(&[LAST, "\r\n"])], "Nothing completed=1"),
            (&[Sent(1), arrives(&[LAST]), arrives(&["\r\n"]), Ends], "Reopen completed=1"),
            // Before anything was asked.
            (&[arrives(&["\r\n"]), Sent(1), arrives(&[OK])], "Ready completed=1"),
            // Nobody may send them for ever.
            (&[Sent(1), arrives(&[OK, endless])], "Reopen completed=1 excess_bytes=1"),
            (
                &[Sent(1), arrives(&[OK]), arrives(&[&endless[2..]]), arrives(&["\r\n"])],
                "Reopen completed=1 excess_bytes=1",
            ),
            (&[Sent(2), arrives(&[OK, endless])], "Reopen completed=1 discarded=1 excess_bytes=1"),
            (&[Sent(1), arrives(&[OK, "\r\r\n"])], "Reopen completed=1 excess_bytes=1"),
            (&[Sent(2), arrives(&[OK, "\r\r\n"])], "Reopen completed=1 discarded=1 excess_bytes=1"),
        ],
    );
}

#[test]
fn other_protocols_are_named_whoever_speaks_first() {
    let settings = "\0\0\u{6}\u{4}\0\0\0\0\0\0\u{3}\0\0\0\u{64}";
    let alert = "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}";
    let table: [(&[Event], &str, Option<ProtocolError>); 11] = [
        (&[Sent(2), arrives(&[alert])], "ReopenAt(+10) protocol=2", Some(ProtocolError::TlsAlert)),
        (
            &[Sent(1), arrives(&["\u{16}\u{3}"]), arrives(&["\u{3}"])],
            "ReopenAt(+10) protocol=1",
            Some(ProtocolError::TlsRecord),
        ),
        (&[Sent(1), arrives(&["\u{15}"]), Ends], "ReopenAt(+10) protocol=1", Some(ProtocolError::NotHttp)),
        (&[Sent(1), arrives(&[settings])], "ReopenAt(+10) protocol=1", Some(ProtocolError::Http2)),
        (&[arrives(&[settings])], "Ready", None),
        (&[arrives(&[settings]), Sent(1), arrives(&["\0"])], "ReopenAt(+10) protocol=1", Some(ProtocolError::Http2)),
        (
            &[arrives(&[&settings[..5]]), Sent(1), arrives(&[&settings[5..]])],
            "ReopenAt(+10) protocol=1",
            Some(ProtocolError::Http2),
        ),
        (&[arrives(&[settings]), Sent(1), Ends], "ReopenAt(+10) protocol=1", Some(ProtocolError::Http2)),
        (
            &[arrives(&[settings]), Sent(1), Breaks(Failure::Reset)],
            "ReopenAt(+10) protocol=1",
            Some(ProtocolError::Http2),
        ),
        (&[arrives(&[settings]), Sent(1), Later(50), Expires], "ReopenAt(+10) protocol=1", Some(ProtocolError::Http2)),
        (&[arrives(&["\0\0", "more"])], "ReopenAt(+10) excess_bytes=1", None),
    ];
    for (events, expected, named) in table {
        holds(&deep(), &[(events, expected)]);
        let job = deep();
        let mut bench = Bench::new(&job);
        bench.all_of(&[Connects, Connected]);
        bench.all_of(events);
        let reasons = &bench.shared.stats.protocol_reasons;
        let counted = ProtocolError::ALL.iter().copied().find(|error| reasons[error.index()] > 0);
        assert_eq!(counted, named, "{events:?}");
    }
    holds(&deep(), &[(&[arrives(&[settings]), Ends], "ReopenAt(+10) no_connect=1")]);
}

#[test]
fn a_connection_that_ends_at_once_counts_as_a_failed_connect_and_one_that_ends_later_was_idle() {
    holds(
        &deep(),
        &[
            (&[Ends], "ReopenAt(+10) no_connect=1"),
            (&[Breaks(Failure::Reset)], "ReopenAt(+10) no_connect=1"),
            (&[Later(7), Ends], "ReopenAt(+10) no_connect=1"),
            (&[Later(8), Ends], "Reopen idle_closed=1"),
            (&[Later(900), Breaks(Failure::Reset)], "Reopen idle_closed=1"),
        ],
    );
}

#[test]
fn of_an_answer_that_began_the_first_byte_and_the_body_so_far_are_known() {
    let endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let table: [(&[Event], u64, u64); 6] = [
        (&[Sent(3), Later(8), arrives(&[endless]), Later(9), Expires], 1, 5),
        (&[Sent(3), Later(8), arrives(&[PART]), Breaks(Failure::Reset)], 1, 0),
        (&[Sent(3), Later(8), arrives(&[INTERIM]), Ends], 0, 0),
        (&[Sent(3), Later(8), Ends], 0, 0),
        (&[Sent(1), Later(8), arrives(&[BAD_LENGTH])], 0, 0),
        (&[Sent(1), Later(8), arrives(&[OK]), Sent(1), Ends], 0, 2),
    ];
    for (events, begun, body_bytes) in table {
        let job = deep();
        let mut bench = Bench::new(&job);
        bench.all_of(&[Connects, Connected]);
        bench.all_of(events);
        let stats = &bench.shared.stats;
        assert_eq!((stats.requests.begun, stats.bytes.body), (begun, body_bytes), "{events:?}");
        let first_bytes = &stats.recent.split_first;
        assert_eq!((first_bytes.count(), first_bytes.max_ns()), (begun, begun * 10 * MS), "{events:?}");
    }
}
