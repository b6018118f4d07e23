//! How lists lie in memory, in which order they go out, and what stands in their placeholders.

use std::sync::Arc;

use super::*;
use crate::protocol::{Out, Source};

/// Collects what is put, as a send does: adjacent ranges are one piece.
#[derive(Default)]
struct Pieces {
    ranges: Vec<Range<usize>>,
    made: Vec<Vec<u8>>,
    no_room: bool,
}

impl Out for Pieces {
    fn fixed(&mut self, range: Range<usize>) -> bool {
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
        true
    }

    fn write(&mut self, most: usize) -> Option<&mut [u8]> {
        if self.no_room {
            return None;
        }
        self.made.push(vec![0; most]);
        self.made.last_mut().map(Vec::as_mut_slice)
    }

    fn commit(&mut self, count: usize) {
        self.made.last_mut().expect("written").truncate(count);
    }
}

/// Requests of these texts; each `#` stands for a digit of the placeholder whose value is given with it.
fn set(requests: &[(&str, &[Value])]) -> RequestSet {
    let mut set = RequestSet { kinds: vec![Kind::default()], ..RequestSet::default() };
    for (text, values) in requests {
        let start = set.bytes.len() as u32;
        set.bytes.extend_from_slice(text.as_bytes());
        let range = start..set.bytes.len() as u32;
        let first = set.patches.len() as u32;
        let mut at = 0;
        for value in *values {
            at += text[at..].find('#').expect("a place");
            let width = text[at..].bytes().take_while(|byte| *byte == b'#').count();
            set.patches.push(Patch { at: at as u32, width: width as u8, value: *value });
            at += width;
        }
        let patches = first..set.patches.len() as u32;
        set.entries.push(Encoded {
            kind: 0,
            head_only: false,
            closing: range.clone(),
            range,
            asks_to_close: false,
            closing_patches: patches.clone(),
            patches,
            expects: None,
        });
    }
    set
}

fn mix(layout: &Layout, worker: (u64, u64)) -> Box<Mix> {
    match Workload::new(layout, worker, 1_700_000_000_000_000_000) {
        Workload::Mix(mix) => mix,
        Workload::Fixed(_) => panic!("a mix"),
    }
}

/// One send of so many requests.
fn send(mix: &mut Mix, count: usize) -> Pieces {
    let mut pieces = Pieces::default();
    for index in 0..count {
        let entry = mix.take();
        assert!(mix.put(entry, false, index == 0, 5_000_000).put(&mut pieces));
    }
    pieces
}

fn text(layout: &Layout, pieces: &Pieces) -> String {
    let bytes: Vec<u8> = pieces.ranges.iter().flat_map(|range| layout.memory()[range.clone()].to_vec()).collect();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_list_in_turn_is_one_range_however_many_are_sent_at_once() {
    for (count, pipeline) in [(2, 2), (3, 16), (7, 4), (40, 3)] {
        let texts: Vec<String> = (0..count).map(|index| format!("<{index}>")).collect();
        let requests: Vec<(&str, &[Value])> = texts.iter().map(|text| (text.as_str(), &[][..])).collect();
        let layout = Layout::new(Arc::new(set(&requests)), pipeline);
        let (mut mix, mut expected) = (mix(&layout, (0, 1)), texts.iter().cycle());
        for round in 0..50 {
            let size = 1 + round % pipeline as usize;
            let pieces = send(&mut mix, size);
            assert_eq!(text(&layout, &pieces), expected.by_ref().take(size).cloned().collect::<String>());
            assert_eq!(pieces.ranges.len(), 1, "{count} {pipeline} {round}");
        }
    }
}

#[test]
fn a_large_request_is_not_copied() {
    let large = "x".repeat(100_000);
    let layout = Layout::new(Arc::new(set(&[(&large, &[]), ("small", &[])])), 16);
    assert!(layout.memory().len() < 101_000);
    assert!(layout.needs_confirming(10), "16 of them do not fit a socket's buffer");
    let alone = Layout::new(Arc::new(set(&[(&large, &[]), ("small", &[])])), 1);
    assert!(alone.needs_confirming(100_000) && !alone.needs_confirming(5));
}

#[test]
fn what_is_given_back_goes_first_and_workers_begin_apart() {
    let layout = Layout::new(Arc::new(set(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &[])])), 1);
    let mut mix = mix(&layout, (1, 2));
    assert_eq!([mix.take(), mix.take()], [2, 3]);
    mix.give_back(Sent { entry: 3, number: u64::MAX });
    mix.give_back(Sent { entry: 2, number: u64::MAX });
    assert_eq!([mix.take(), mix.take(), mix.take(), mix.take()], [2, 3, 0, 1]);
}

#[test]
fn a_random_order_is_even_and_the_same_for_the_same_seed() {
    let of_seed = |seed| {
        let mut set = set(&[("a", &[]), ("b", &[]), ("c", &[])]);
        (set.order, set.seed) = (Order::Random, seed);
        let mut mix = mix(&Layout::new(Arc::new(set), 1), (0, 1));
        (0..3000).map(|_| mix.take()).collect::<Vec<_>>()
    };
    let drawn = of_seed(7);
    for entry in 0..3 {
        let count = drawn.iter().filter(|one| **one == entry).count();
        // Five standard deviations.
        assert!((870..=1130).contains(&count), "{entry}: {count}");
    }
    assert!(drawn == of_seed(7) && drawn != of_seed(8));
}

#[test]
fn placeholders_have_new_values_of_their_width() {
    let values = [Value::Rand { min: 5, max: 700 }, Value::Uuid, Value::NowMs, Value::Rand { min: 0, max: u64::MAX }];
    let template = format!("r=### u={} t={} f={}", "#".repeat(36), "#".repeat(13), "#".repeat(20));
    let layout = Layout::new(Arc::new(set(&[(&template, &values)])), 1);
    let mut mix = mix(&layout, (0, 1));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2000 {
        let made = send(&mut mix, 1).made.remove(0);
        let text = String::from_utf8(made).expect("text");
        let fields: Vec<&str> = text.split(' ').map(|field| &field[2..]).collect();
        assert!(fields[0].len() == 3 && (5..=700).contains(&fields[0].parse::<u64>().expect("digits")), "{text}");
        let uuid: Vec<&str> = fields[1].split('-').collect();
        assert_eq!(uuid.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{text}");
        assert!(uuid[2].starts_with('4') && uuid[3].starts_with(['8', '9', 'a', 'b']), "{text}");
        assert!(uuid.concat().bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()), "{text}");
        assert_eq!(fields[2], "1700000000005");
        assert!(fields[3].parse::<u64>().is_ok());
        assert!(seen.insert(fields[1].to_owned()), "{text}");
    }
}

#[test]
fn sequences_go_on_together_only_where_they_always_stand_together() {
    let sequences = [(1, 1), (100, 3), (7, 1)].map(|(start, width)| Sequence { start, width }).to_vec();
    let together: &[Value] = &[Value::Seq(0), Value::Seq(1), Value::Seq(0)];
    let mut both = set(&[("# ### #", together), ("#", &[Value::Seq(2)])]);
    both.sequences = sequences;
    let layout = Layout::new(Arc::new(both), 1);
    let mut mix = mix(&layout, (0, 1));
    let made: Vec<String> =
        (0..8).map(|_| String::from_utf8(send(&mut mix, 1).made.remove(0)).expect("text")).collect();
    assert_eq!(made, ["1 100 1", "7", "2 101 2", "8", "3 102 3", "9", "4 103 4", "0"]);
    assert_eq!(layout.past_width(), 1, "10 does not fit one digit");
    assert_eq!(layout.set().draws(), [1, 1, 1]);
}

#[test]
fn nothing_is_drawn_where_there_is_no_room() {
    let mut numbered = set(&[("#", &[Value::Seq(0)]), ("x", &[])]);
    numbered.sequences = vec![Sequence { start: 1, width: 1 }];
    let layout = Layout::new(Arc::new(numbered), 1);
    let mut mix = mix(&layout, (0, 1));
    let mut full = Pieces { no_room: true, ..Pieces::default() };
    let entry = mix.take();
    assert!(!mix.put(entry, false, true, 0).put(&mut full));
    mix.put_back(entry);
    assert_eq!(send(&mut mix, 1).made, [b"1"]);
    let sent = Sent { entry: 0, number: mix.drawn() };
    assert_eq!((mix.take(), send(&mut mix, 1).made), (1, vec![b"2".to_vec()]));
    mix.give_back(sent);
    assert_eq!(send(&mut mix, 1).made, [b"1"], "the number of a request that was never owed an answer");
    mix.give_back(sent);
    let entry = mix.take();
    assert!(!mix.put(entry, false, true, 0).put(&mut full));
    mix.put_back(entry);
    assert_eq!(send(&mut mix, 1).made, [b"1"], "also where there was no room first");
}
