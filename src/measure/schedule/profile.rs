//! A rate over time, and when it has brought how many requests.

/// A stretch of time in which the rate goes evenly from one value to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its length in seconds, more than 0; infinite where the rate does not change.
    pub seconds: f64,
    /// Requests per second at its beginning; none where it is 0.
    pub from_per_s: f64,
    /// The same at its end.
    pub to_per_s: f64,
}

impl Stretch {
    /// How many requests it brings within its first `seconds`.
    fn requests(&self, seconds: f64) -> f64 {
        let climb = if self.is_level() { 0.0 } else { (self.to_per_s - self.from_per_s) / self.seconds };
        (self.from_per_s + climb * seconds / 2.0) * seconds
    }

    /// After how many seconds it has brought `requests`; infinite in a pause, which brings none.
    fn seconds_for(&self, requests: f64) -> f64 {
        if self.is_level() {
            return if self.from_per_s > 0.0 { requests / self.from_per_s } else { f64::INFINITY };
        }
        // Also where the rate begins at 0, and nothing could be divided by it.
        if requests <= 0.0 {
            return 0.0;
        }
        let climb = (self.to_per_s - self.from_per_s) / self.seconds;
        // The root of climb/2 t^2 + from t = requests, in the form that loses no digits for a small climb.
        let root = (self.from_per_s * self.from_per_s + 2.0 * climb * requests).max(0.0).sqrt();
        2.0 * requests / (self.from_per_s + root)
    }

    /// Its first `seconds`, of more.
    fn cut(&self, seconds: f64) -> Stretch {
        let climb = if self.is_level() { 0.0 } else { (self.to_per_s - self.from_per_s) / self.seconds };
        Stretch { seconds, from_per_s: self.from_per_s, to_per_s: self.from_per_s + climb * seconds }
    }

    fn is_level(&self) -> bool {
        self.from_per_s == self.to_per_s
    }
}

/// How long a pause lasts that nobody ends, seconds: some thirty years.
const PAUSE_S: f64 = 1e9;

/// Stretches one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Each with the seconds and requests before it.
    stretches: Vec<(f64, f64, Stretch)>,
}

impl Profile {
    /// Of at least one stretch; only the last may be infinite.
    pub fn new(stretches: &[Stretch]) -> Profile {
        let (mut seconds, mut requests) = (0.0, 0.0);
        let place = |stretch: &Stretch| {
            let before = (seconds, requests, *stretch);
            seconds += stretch.seconds;
            requests += if stretch.seconds.is_finite() { stretch.requests(stretch.seconds) } else { f64::INFINITY };
            before
        };
        Profile { stretches: stretches.iter().map(place).collect() }
    }

    /// The same up to so many seconds from its beginning, and from then on at `rate_per_s`. At 0 it pauses, and does not end.
    pub fn going_on_with(&self, rate_per_s: f64, seconds: f64) -> Profile {
        let mut stretches: Vec<Stretch> = Vec::with_capacity(self.stretches.len() + 2);
        let mut end = 0.0;
        for (begins, _, stretch) in self.stretches.iter().filter(|(begins, ..)| *begins < seconds) {
            let whole = begins + stretch.seconds <= seconds;
            stretches.push(if whole { *stretch } else { stretch.cut(seconds - begins) });
            end = (begins + stretch.seconds).min(seconds);
        }
        let level = |seconds, rate_per_s| Stretch { seconds, from_per_s: rate_per_s, to_per_s: rate_per_s };
        if end < seconds {
            stretches.push(level(seconds - end, 0.0));
        }
        if rate_per_s > 0.0 {
            stretches.push(level(f64::INFINITY, rate_per_s));
        } else {
            stretches.extend([level(PAUSE_S, 0.0), level(f64::INFINITY, 1.0)]);
        }
        Profile::new(&stretches)
    }

    /// When `position` requests have been due, in ns from the beginning, or `None` if that many never are. `hint` is the stretch
    /// of an earlier, smaller position (0 at first), and is moved on.
    #[inline]
    pub fn instant_ns(&self, position: f64, hint: &mut usize) -> Option<u64> {
        while let Some((_, before, _)) = self.stretches.get(*hint + 1)
            && position >= *before
        {
            *hint += 1;
        }
        let (seconds, before, stretch) = self.stretches.get(*hint)?;
        let within = stretch.seconds_for(position - before);
        let is_last = *hint + 1 == self.stretches.len();
        // Where it ends is the next one's to say, also for the last. Another one brings what is left of it, however that is rounded.
        (within < stretch.seconds || !is_last).then(|| ((seconds + within.min(stretch.seconds)) * 1e9) as u64)
    }

    /// How many requests have been due `ns` after the beginning: the inverse of [`instant_ns`](Profile::instant_ns), to rounding.
    pub fn requests_at(&self, ns: u64) -> f64 {
        let at = ns as f64 / 1e9;
        let index = self.stretches.partition_point(|(seconds, ..)| *seconds <= at).saturating_sub(1);
        self.stretches.get(index).map_or(0.0, |(seconds, before, stretch)| {
            before + stretch.requests((at - seconds).clamp(0.0, stretch.seconds))
        })
    }

    /// When `position` requests have been due, in ns from the beginning.
    pub fn instant_of(&self, position: f64) -> Option<u64> {
        self.instant_ns(position, &mut 0)
    }
}
