use super::*;

/// A worker of a test: what it measured, and where it leaves that.
struct Worker {
    stats: WorkerStats,
    series: Series,
    outbox: Outbox,
}

impl Worker {
    fn new() -> Worker {
        let outbox = Outbox::default();
        Worker { stats: WorkerStats::new(), series: Series::new(&outbox), outbox }
    }

    fn answers(&mut self, count: u64, ns: u64) {
        self.stats.requests.completed += count;
        self.stats.status[200] += count;
        self.stats.recent.single.record_n(ns, count);
    }

    fn cut(&mut self, now: u64, open: u64) {
        self.series.cut(now, &mut self.stats, open, &self.outbox);
    }

    fn finish(&mut self, now: Option<u64>) {
        self.series.finish(now, &mut self.stats, 0, &self.outbox);
    }
}

/// An interval as it was merged: from, to, completed, failed, open.
type Row = (u64, u64, u64, u64, u64);

fn rows(merger: &mut Merger, workers: &[Worker], sums: &mut Histograms) -> Vec<Row> {
    let mut rows = Vec::new();
    while let Some(merged) = merger.next(workers.iter().map(|worker| &worker.outbox)) {
        rows.push((merged.starts_at, merged.ends_at, merged.counts.completed, merged.counts.failed, merged.open));
        sums.iter_mut().zip(&merged.histograms).for_each(|(sum, one)| sum.merge(one));
    }
    rows
}

#[test]
fn intervals_add_up_to_the_whole() {
    let mut workers = [Worker::new(), Worker::new()];
    let (mut merger, mut sums, mut seen) = (Merger::new(2, 0), Histograms::default(), Vec::new());
    for interval in 0..4 {
        for (index, worker) in workers.iter_mut().enumerate().skip(usize::from(interval == 3)) {
            for sample in 0..100 * interval {
                worker.answers(1, 1_000 * (sample + 1));
                worker.stats.recent.response.record_n(2_000_000 * (sample + 1) + index as u64, 1);
            }
            worker.stats.requests.failed += interval;
            worker.stats.errors.reset += interval;
            worker.stats.recent.split.record_n(77, interval);
            worker.stats.requests.completed += interval;
            worker.cut(1_000 * (interval + 1) + index as u64, 5);
            if interval == 2 && index == 0 {
                worker.finish(None);
            }
        }
        seen.extend(rows(&mut merger, &workers, &mut sums));
    }
    workers[1].finish(None);
    assert!(rows(&mut merger, &workers, &mut sums).is_empty());
    assert_eq!(
        seen,
        [(0, 1_001, 0, 0, 10), (1_001, 2_001, 202, 2, 10), (2_001, 3_001, 404, 4, 10), (3_001, 4_001, 303, 3, 5),]
    );
    let [mut whole, mut other] = workers.map(|worker| worker.stats);
    whole.merge(&mut other);
    assert_eq!(sums[0].summary(None), whole.latencies.response.summary(None));
    assert_eq!(sums[1].summary(None), whole.latencies.service().summary(None));
    assert!(sums[2].is_empty());
}

#[test]
fn an_interval_is_whole_when_every_worker_has_ended_it() {
    let mut workers = [Worker::new(), Worker::new()];
    let (mut merger, mut sums) = (Merger::new(2, 100), Histograms::default());
    workers[0].answers(3, 50);
    workers[0].cut(200, 1);
    assert!(rows(&mut merger, &workers, &mut sums).is_empty(), "the other one is still at it");
    workers[1].cut(200, 2);
    assert_eq!(rows(&mut merger, &workers, &mut sums), [(100, 200, 3, 0, 3)]);
    workers[0].finish(None);
    workers[1].answers(1, 50);
    workers[1].finish(Some(250));
    assert_eq!(rows(&mut merger, &workers, &mut sums), [(200, 250, 1, 0, 0)], "one that is done is not waited for");
}

#[test]
fn nothing_is_lost_when_the_watcher_is_late() {
    let mut workers = [Worker::new(), Worker::new()];
    let (mut merger, mut sums) = (Merger::new(2, 0), Histograms::default());
    for second in 1..=100 {
        workers.iter_mut().for_each(|worker| {
            worker.answers(second, 1_000 * second);
            worker.cut(second, 1);
        });
        // The second worker's are looked at once: from then on the two do not wait for the same intervals.
        if second == 3 {
            assert_eq!(workers[1].outbox.take().map(|part| part.number), Ok(0));
        }
    }
    assert!(workers.iter().all(|worker| worker.outbox.parts() <= BACKLOG));
    workers.iter_mut().for_each(|worker| {
        worker.finish(Some(101));
        assert!(worker.outbox.parts() <= BACKLOG + 1);
    });
    let seen = rows(&mut merger, &workers, &mut sums);
    assert_eq!(seen.iter().map(|row| row.2).sum::<u64>(), 2 * 5_050 - 1);
    assert!(seen.windows(2).all(|pair| pair[0].1 == pair[1].0), "each begins where the one before ended: {seen:?}");
    assert_eq!(seen.last().map(|last| last.1), Some(101));
    assert_eq!(sums[1].count(), 2 * 5_050 - 1);
}

#[test]
fn an_interval_that_goes_on_for_one_worker_goes_on_for_all() {
    let mut workers = [Worker::new(), Worker::new()];
    let (mut merger, mut sums) = (Merger::new(2, 0), Histograms::default());
    for (second, looks) in [(1, false), (2, true), (3, false)] {
        for worker in &mut workers {
            worker.answers(1, 5);
        }
        workers[1].cut(second, 1);
        let Worker { stats, series, outbox } = &mut workers[0];
        let looking = looks.then(|| outbox.0.lock());
        series.cut(second, stats, 1, outbox);
        drop(looking);
    }
    workers.iter_mut().for_each(|worker| worker.finish(None));
    assert_eq!(rows(&mut merger, &workers, &mut sums), [(0, 1, 2, 0, 2), (1, 3, 4, 0, 2)]);
}

#[test]
fn memory_is_used_again() {
    let mut worker = [Worker::new()];
    let (mut merger, mut sums) = (Merger::new(1, 0), Histograms::default());
    for second in 1..=1_000 {
        worker[0].answers(1, second);
        worker[0].cut(second, 1);
        assert_eq!(rows(&mut merger, &worker, &mut sums).len(), 1);
        assert_eq!(worker[0].outbox.parts(), 1);
    }
    assert_eq!(sums[1].count(), 1_000);
    assert_eq!(sums[1].summary(None), worker[0].stats.latencies.service().summary(None));
}

#[test]
fn classes_of_status() {
    let mut worker = Worker::new();
    for (code, count) in [(101, 1), (200, 2), (204, 3), (302, 4), (404, 5), (503, 6), (600, 7), (0, 8)] {
        worker.stats.status[code] += count;
    }
    let classes = Counts::so_far(&worker.stats).status;
    let expected = Classes { success: 5, redirection: 4, client_error: 5, server_error: 6, other: 16 };
    assert_eq!(classes, expected);
    let json = serde_json::to_value(Classes { other: 0, redirection: 0, ..classes }).expect("JSON");
    assert_eq!(json, serde_json::json!({"2xx": 5, "4xx": 5, "5xx": 6}));
    assert_eq!(serde_json::from_value::<Classes>(json).expect("read"), Classes { other: 0, redirection: 0, ..classes });
}
