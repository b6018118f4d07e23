use super::*;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// A worker that was without a connection from and to these instants, an attempt failing in each gap.
fn worker(gaps: &[(u64, u64)], ends_at: u64) -> Gaps {
    let mut outage = Outage::new(0);
    outage.ends(0);
    for &(from, to) in gaps {
        outage.begins(from);
        outage.fails();
        if to < ends_at {
            outage.ends(to);
        }
    }
    outage.finish(0, ends_at)
}

#[test]
fn a_gap_counts_if_an_attempt_failed_in_it_or_took_a_second() {
    type Happens = fn(&mut Outage);
    let table: [(&str, Happens, u64); 6] = [
        ("a connection replaced", |one| one.tries(10), 0),
        ("an attempt that failed", |one| one.fails(), 900 * MS),
        ("nobody tried for so long", |_| (), 0),
        ("an attempt that took a second", |one| one.tries(10), 1_100 * MS),
        (
            "a failure before the gap",
            |one| {
                one.fails();
                one.begins(0);
            },
            0,
        ),
        (
            "both",
            |one| {
                one.tries(10);
                one.fails();
            },
            5,
        ),
    ];
    for (index, (name, happens, down_ns)) in table.into_iter().enumerate() {
        let mut outage = Outage::new(0);
        happens(&mut outage);
        let length = if down_ns > 0 { down_ns } else { 900 * MS };
        outage.ends(length);
        // A second one, after an answer or more, is a gap of its own.
        outage.begins(2 * SECOND);
        outage.tries(2 * SECOND);
        outage.ends(2 * SECOND + 1);
        assert_eq!(outage.finish(0, 5 * SECOND).total_ns(), down_ns, "{index}: {name}");
    }
}

#[test]
fn the_window_cuts_what_reaches_over_its_ends() {
    let mut outage = Outage::new(0);
    outage.fails();
    outage.ends(150);
    outage.begins(900);
    outage.fails();
    assert!(outage.is_away());
    let gaps = outage.finish(100, 1_000);
    assert_eq!((gaps.total_ns(), gaps.within_ns(100, 500), gaps.within_ns(500, 950)), (150, 50, 50));
    assert!(!outage.is_away());
}

#[test]
fn down_is_when_no_worker_had_a_connection() {
    let one = worker(&[(10, 20), (30, 60), (90, 100)], 100);
    let two = worker(&[(15, 40), (55, 56), (80, 95)], 100);
    let common = Gaps::common([one.clone(), two.clone()]);
    // 15 to 20, 30 to 40, 55 to 56, 90 to 95.
    assert_eq!((common.total_ns(), common.within_ns(0, 35), common.within_ns(35, 100)), (21, 10, 11));
    assert_eq!(Gaps::common([one.clone(), two, worker(&[], 100)]).total_ns(), 0, "one that is never without");
    // A worker that is done needs no connection any more.
    assert_eq!(Gaps::common([one.clone(), worker(&[], 50)]).total_ns(), 10 + 10);
    assert_eq!(Gaps::common([one]).total_ns(), 50);
    assert_eq!(Gaps::common([]).total_ns(), 0);
}

#[test]
fn memory_is_bounded_and_the_sum_exact_however_many_gaps_there_are() {
    let mut outage = Outage::new(0);
    outage.ends(0);
    let many = 50_000;
    for number in 0..many {
        outage.begins(number * 10);
        outage.fails();
        outage.ends(number * 10 + 3);
    }
    assert!(outage.gaps.len() <= KEPT && outage.gaps.capacity() == KEPT);
    let gaps = outage.finish(0, many * 10);
    assert_eq!(gaps.total_ns(), 3 * many);
    let half = gaps.within_ns(0, many * 5);
    assert!(half.abs_diff(3 * many / 2) < 3 * many / 100, "{half}");
    let common = Gaps::common([gaps.clone(), gaps]);
    assert!(common.total_ns().abs_diff(3 * many) < KEPT as u64, "rounded at most once a gap");
}
