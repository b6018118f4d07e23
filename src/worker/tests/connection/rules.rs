//! How much goes out, when it is looked at, and when it is opened again.

use super::*;

#[test]
fn limited_connections_end_with_their_last_answer() {
    let job = Job { requests_per_connection: Some(3), ..deep() };
    holds(
        &job,
        &[
            (&[Sent(3), arrives(&[OK, OK])], "Ready completed=2 in_flight=1"),
            (&[Sent(3), arrives(&[OK, OK, OK])], "Nothing completed=3"),
            (&[Sent(3), arrives(&[OK, OK, OK]), Ends], "Reopen completed=3"),
            (&[Sent(3), arrives(&[OK, OK, OK]), Expires], "Reopen completed=3"),
            (&[Sent(3), arrives(&[OK, LAST])], "Nothing completed=2 discarded=1"),
        ],
    );
    let mut bench = Bench::new(&job);
    assert_eq!(bench.connection.free(&job), 0, "not open");
    bench.all_of(&[Connects, Connected]);
    assert_eq!(bench.connection.free(&job), 3);
    bench.sends(2);
    assert_eq!(bench.connection.free(&job), 1);
    bench.sends(1);
    bench.happens(&arrives(&[OK]));
    assert_eq!(bench.connection.free(&job), 0);
}

#[test]
fn pauses_double_until_an_answer_comes() {
    let job = Job { remotes: 3, ..job() };
    let mut bench = Bench::new(&job);
    let mut pauses = Vec::new();
    let mut remotes = Vec::new();
    for _ in 0..8 {
        bench.happens(&Connects);
        let next = bench.happens(&ConnectFails(ConnectFailure::Refused));
        let Next::ReopenAt(at) = next else { panic!("{next:?}") };
        pauses.push((at - bench.now) / MS);
        remotes.push(bench.connection.policy.remote);
        bench.happens(&Closed);
    }
    assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 500, 500]);
    assert_eq!(remotes, [1, 2, 0, 1, 2, 0, 1, 2]);
    // Opening is not enough.
    let dropped = bench.all_of(&[Connects, Connected, Sent(1), Ends]);
    assert_eq!(dropped, Next::ReopenAt(bench.now + 500 * MS));
    bench.happens(&Closed);
    bench.all_of(&[Connects, Connected, Sent(1), arrives(&[OK]), Ends, Closed]);
    let failed = bench.all_of(&[Connects, ConnectFails(ConnectFailure::Refused)]);
    assert_eq!(failed, Next::ReopenAt(bench.now + 10 * MS));
}

#[test]
fn deadlines_follow_the_state() {
    let job = job();
    let mut bench = Bench::new(&job);
    let timeout = bench.shared.job.timeout_ns;
    let deadline = |bench: &mut Bench, event: &Event| {
        bench.happens(event);
        let at = bench.connection.policy.deadline(bench.shared.job, bench.batches.of(0));
        at.map(|at| at - bench.now)
    };
    assert_eq!(bench.connection.policy.deadline(bench.shared.job, bench.batches.of(0)), None);
    assert_eq!(deadline(&mut bench, &Connects), Some(timeout));
    assert_eq!(deadline(&mut bench, &Connected), None);
    assert_eq!(deadline(&mut bench, &Sent(1)), Some(timeout));
    assert_eq!(deadline(&mut bench, &arrives(&[PART])), Some(timeout - MS), "a part of an answer buys no time");
    assert_eq!(deadline(&mut bench, &arrives(&[&OK[PART.len()..]])), None);
    assert_eq!(deadline(&mut bench, &Sent(1)), Some(timeout));
    assert_eq!(deadline(&mut bench, &arrives(&[LAST])), Some(10 * MS), "the peer's time to end it");
    assert_eq!(deadline(&mut bench, &Closed), None);
    assert!(bench.connection.policy.state == State::Closed);
    // Answered while it is still being sent.
    bench.all_of(&[Connects, Connected]);
    bench.connection.policy.confirming = true;
    assert_eq!(deadline(&mut bench, &Sent(1)), Some(timeout));
    assert_eq!(deadline(&mut bench, &arrives(&[OK])), Some(timeout));
    bench.happens(&Later(50));
    assert_eq!(bench.happens(&Expires), Next::Reopen);
    assert_eq!(bench.shared.stats.requests.failed, 0);
}
