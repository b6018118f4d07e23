//! Deadlines without timers: a wheel of slots to look at, at the latest, when their tick comes.
//!
//! An entry is never moved because a request was answered: when its tick comes, the slot is asked for its present deadline
//! and, unless that has passed, entered again. So a request costs nothing here, and a connection one look per timeout.

const NONE: u32 = u32::MAX;
const BUCKETS: usize = 1024;

/// The longest tick, ns: the short spans of closing and backing off stay short, however long the timeout is.
const LONGEST_TICK_NS: u64 = 2_000_000;

#[derive(Clone, Copy)]
struct Node {
    before: u32,
    after: u32,
    /// The tick it is entered for; `u64::MAX` when it is not.
    tick: u64,
}

const LOOSE: Node = Node { before: NONE, after: NONE, tick: u64::MAX };

/// A hashed wheel over all slots of a worker, each in it at most once.
pub(super) struct Deadlines {
    tick_ns: u64,
    /// The first tick not yet looked at.
    next_tick: u64,
    heads: Box<[u32; BUCKETS]>,
    nodes: Vec<Node>,
    /// No entry is for a tick before this one.
    earliest: u64,
    /// Slots taken out of the wheel and not yet handed out.
    taken: Vec<u32>,
}

impl Deadlines {
    /// For `slots` slots and spans up to `longest_ns`, which it divides into a thousand ticks or more; nothing lies before `now`.
    pub(super) fn new(slots: usize, longest_ns: u64, now: u64) -> Deadlines {
        let tick_ns = (longest_ns / 1000).clamp(10_000, LONGEST_TICK_NS);
        Deadlines {
            tick_ns,
            next_tick: now / tick_ns,
            heads: Box::new([NONE; BUCKETS]),
            nodes: vec![LOOSE; slots],
            earliest: u64::MAX,
            taken: Vec::with_capacity(slots),
        }
    }

    /// How late a slot is looked at, at most, ns.
    pub(super) fn tick_ns(&self) -> u64 {
        self.tick_ns
    }

    /// Is `slot` entered?
    #[inline]
    pub(super) fn has(&self, slot: u32) -> bool {
        self.nodes[slot as usize].tick != u64::MAX
    }

    /// Looks at `slot` at `at` (ns) or, if it is entered for an earlier instant, then.
    pub(super) fn look_at(&mut self, slot: u32, at: u64) {
        // Rounded up, so that what is looked at has passed; never beyond the wheel: the slot is asked again then.
        let tick = at.div_ceil(self.tick_ns).clamp(self.next_tick, self.next_tick + BUCKETS as u64 - 1);
        let node = self.nodes[slot as usize];
        if node.tick <= tick {
            return;
        }
        self.remove(slot);
        let head = &mut self.heads[tick as usize % BUCKETS];
        if *head != NONE {
            self.nodes[*head as usize].before = slot;
        }
        self.nodes[slot as usize] = Node { before: NONE, after: *head, tick };
        *head = slot;
        self.earliest = self.earliest.min(tick);
    }

    fn remove(&mut self, slot: u32) {
        let node = std::mem::replace(&mut self.nodes[slot as usize], LOOSE);
        if node.tick == u64::MAX {
            return;
        }
        match node.before {
            NONE => self.heads[node.tick as usize % BUCKETS] = node.after,
            before => self.nodes[before as usize].after = node.after,
        }
        if node.after != NONE {
            self.nodes[node.after as usize].before = node.before;
        }
    }

    /// The instant of the next look, ns; `u64::MAX` when there is none.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        self.earliest.saturating_mul(self.tick_ns)
    }

    /// Has an instant come?
    #[inline]
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.earliest <= now / self.tick_ns || !self.taken.is_empty()
    }

    /// Takes out a slot whose instant has come. What is entered meanwhile comes at the next tick at the earliest, so that
    /// asking again and again comes to an end.
    #[inline]
    pub(super) fn due(&mut self, now: u64) -> Option<u32> {
        let now_tick = now / self.tick_ns;
        while self.earliest <= now_tick {
            self.empty_bucket();
            self.earliest = self.first_from(self.earliest + 1);
        }
        self.next_tick = self.next_tick.max(now_tick + 1);
        self.taken.pop()
    }

    fn empty_bucket(&mut self) {
        let head = &mut self.heads[self.earliest as usize % BUCKETS];
        let mut slot = std::mem::replace(head, NONE);
        while slot != NONE {
            self.taken.push(slot);
            slot = std::mem::replace(&mut self.nodes[slot as usize], LOOSE).after;
        }
    }

    /// The first tick from `tick` on with an entry; all entries lie within one turn of the wheel.
    fn first_from(&self, tick: u64) -> u64 {
        let mut turn = tick..tick + BUCKETS as u64;
        turn.find(|&tick| self.heads[tick as usize % BUCKETS] != NONE).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(wheel: &mut Deadlines, now: u64) -> Vec<u32> {
        let mut due: Vec<u32> = std::iter::from_fn(|| wheel.due(now)).collect();
        due.sort_unstable();
        due
    }

    #[test]
    fn slots_come_when_their_instant_has_passed_and_never_before() {
        let mut wheel = Deadlines::new(8, 1_000_000_000, 0);
        wheel.look_at(0, 5_000_000);
        wheel.look_at(1, 5_000_000);
        wheel.look_at(2, 900_000_000);
        assert!(wheel.has(0) && !wheel.has(3));
        assert!(drain(&mut wheel, 4_999_999).is_empty());
        assert_eq!(drain(&mut wheel, 5_000_000), [0, 1]);
        assert_eq!(wheel.next(), 900_000_000);
        assert_eq!(drain(&mut wheel, 2_000_000_000), [2]);
        assert_eq!(wheel.next(), u64::MAX);
    }

    #[test]
    fn an_earlier_instant_wins_and_a_far_one_is_asked_again() {
        let mut wheel = Deadlines::new(4, 1_000_000, 0);
        wheel.look_at(0, 800_000);
        wheel.look_at(0, 200_000);
        wheel.look_at(0, 600_000);
        assert_eq!(drain(&mut wheel, 200_000), [0]);
        wheel.look_at(1, u64::MAX / 2);
        assert!(wheel.next() < 11_000_000, "beyond the wheel: looked at early");
    }

    /// As the loop does it: what comes early is entered again.
    fn due(wheel: &mut Deadlines, now: u64, deadlines: &mut [Option<u64>]) -> Vec<usize> {
        let (mut due, mut looks) = (Vec::new(), 0);
        while let Some(slot) = wheel.due(now) {
            match deadlines[slot as usize] {
                Some(at) if at > now => wheel.look_at(slot, at),
                _ => due.push(slot as usize),
            }
            looks += 1;
            assert!(looks < 1_000, "the same slots come again and again");
        }
        due.iter().for_each(|&slot| deadlines[slot] = None);
        due
    }

    #[test]
    fn entering_a_slot_again_ends_also_after_a_long_silence() {
        let mut wheel = Deadlines::new(4, 1_000_000, 0);
        wheel.look_at(0, 100_000);
        let now = 500_000_000;
        assert_eq!(wheel.due(now), Some(0));
        wheel.look_at(0, now + 1_000_000);
        assert_eq!(wheel.due(now), None);
        assert!(wheel.next() > now);
    }

    #[test]
    fn a_long_timeout_does_not_stretch_short_spans() {
        let hour = 3_600_000_000_000;
        let mut wheel = Deadlines::new(2, hour, 0);
        wheel.look_at(0, 10_000_000);
        assert_eq!(drain(&mut wheel, 10_000_000), [0]);
        wheel.look_at(0, hour);
        assert!(drain(&mut wheel, 2_000_000_000).is_empty());
        assert_eq!(drain(&mut wheel, 2_100_000_000), [0], "asked long before: the wheel is short");
    }

    #[test]
    fn a_deadline_beyond_the_wheel_comes_after_some_early_looks() {
        let (mut wheel, mut deadlines) = (Deadlines::new(1, 100_000_000, 0), [Some(500_000_000)]);
        wheel.look_at(0, 500_000_000);
        let mut looks = 0;
        while deadlines[0].is_some() {
            let now = wheel.next();
            assert!(now <= 500_000_000);
            assert_eq!(due(&mut wheel, now, &mut deadlines).is_empty(), now < 500_000_000);
            looks += 1;
        }
        assert!(looks < 10, "{looks} looks");
    }

    #[test]
    fn random_use_agrees_with_a_list() {
        let mut seed = 42u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        // Few slots leave the wheel empty or far behind at times.
        for slots in [1, 2, 64] {
            let span = 2_000_000_000u64;
            let tick = span / 1000;
            let mut wheel = Deadlines::new(slots, span, 0);
            let mut deadlines = vec![None::<u64>; slots];
            let mut now = 0;
            for _ in 0..20_000 {
                let slot = random(slots as u64) as usize;
                let at = now + random(2 * span);
                deadlines[slot] = Some(deadlines[slot].map_or(at, |old| old.min(at)));
                wheel.look_at(slot as u32, at);
                now += if random(50) == 0 { random(3 * span) } else { random(tick * 20) };
                due(&mut wheel, now, &mut deadlines);
                let nearest = deadlines.iter().flatten().min().map_or(u64::MAX, |&at| at.max(now) + 2 * tick);
                assert!(wheel.next() <= nearest, "none is forgotten, or looked at late");
                assert!(deadlines.iter().flatten().all(|&at| at + tick > now), "none is overlooked at {now}");
            }
        }
    }
}
