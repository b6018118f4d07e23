//! The sums that hold in every result.

use super::{Requests, RunResult};

impl RunResult {
    /// Holds the figures against each other: nothing may be lost, counted twice or left over.
    ///
    /// # Errors
    /// The first pair that disagrees, both sides with their numbers. That is a fault of this
    /// program, never of the server.
    pub fn check(&self) -> Result<(), String> {
        let r = &self.requests;
        accounted(r)?;
        for stage in &self.stages {
            accounted(&stage.requests).map_err(|what| format!("{}: {what}", stage.name))?;
        }
        self.check_mix()?;
        let e = &self.errors;
        let errors = [e.reset, e.eof_mid_response, e.timeout, e.protocol, e.check, e.tls, e.other];
        let reasons = self.protocol_errors.values().copied();
        let codes = self.status.values().copied();
        let samples = self.latency_ns.as_ref().map_or(0, |l| l.count);

        agree("requests.failed", r.failed, "sum of errors", total(errors))?;
        let name = "sum of protocol_errors";
        agree("errors.protocol", e.protocol, name, total(reasons))?;
        let completed = "requests.completed";
        agree(completed, r.completed, "sum of status", total(codes))?;
        agree(completed, r.completed, "latency_ns.count", samples.into())?;
        let first_bytes = self.first_byte_ns.as_ref().map_or(0, |first| first.count);
        agree("first_byte_ns.count", first_bytes, "sum of requests.completed and begun", total([r.completed, r.begun]))
    }
}

impl RunResult {
    /// The books balance in each kind, and the kinds are the whole.
    fn check_mix(&self) -> Result<(), String> {
        for kind in &self.mix {
            let named = |what: String| format!("{}: {what}", kind.name);
            accounted(&kind.requests).map_err(named)?;
            agree("failed", kind.requests.failed, "sum of errors", kind.errors.total().into()).map_err(named)?;
            let codes = kind.status.values().copied();
            agree("completed", kind.requests.completed, "sum of status", total(codes)).map_err(named)?;
        }
        let sum = |name: &str, of: fn(&Requests) -> u64| {
            let kinds = total(self.mix.iter().map(|kind| of(&kind.requests)));
            agree(name, of(&self.requests), "sum over the kinds", kinds)
        };
        if self.mix.is_empty() {
            return Ok(());
        }
        sum("requests.sent", |r| r.sent)?;
        sum("requests.completed", |r| r.completed)?;
        sum("requests.failed", |r| r.failed)?;
        sum("requests.discarded", |r| r.discarded)?;
        sum("requests.in_flight_at_end", |r| r.in_flight_at_end)
    }
}

/// Every request has one end, and in open loop every one intended was sent or not.
fn accounted(r: &Requests) -> Result<(), String> {
    let whereabouts = [r.completed, r.failed, r.discarded, r.in_flight_at_end];
    let accounted = total(whereabouts);
    if u128::from(r.sent) != accounted {
        let [completed, failed, discarded, in_flight] = whereabouts;
        return Err(format!(
            "requests.sent is {}, but completed {completed} + failed {failed} + discarded {discarded} + in_flight_at_end \
             {in_flight} is {accounted}",
            r.sent
        ));
    }
    let Some(open) = r.open else { return Ok(()) };
    let accounted = total([r.sent, open.shed, open.unsent]);
    if total([open.intended, r.discarded]) == accounted {
        return Ok(());
    }
    Err(format!(
        "requests.intended is {} and discarded {}, but sent {} + shed {} + unsent {} is {accounted}",
        open.intended, r.discarded, r.sent, open.shed, open.unsent
    ))
}

fn total(parts: impl IntoIterator<Item = u64>) -> u128 {
    parts.into_iter().map(u128::from).sum()
}

fn agree(name: &str, value: u64, other: &str, sum: u128) -> Result<(), String> {
    if u128::from(value) == sum {
        return Ok(());
    }
    Err(format!("{name} is {value}, but the {other} is {sum}"))
}

#[cfg(test)]
mod tests {
    use crate::result::{Intended, RunResult, samples};

    #[test]
    fn the_sums_of_every_sample_hold() {
        for (name, result) in samples::all() {
            assert_eq!(result.check(), Ok(()), "{name}");
        }
    }

    #[test]
    fn each_sum_is_checked_and_named_with_both_sides() {
        type Spoil = fn(&mut RunResult);
        let table: [(Spoil, &str); 6] = [
            (
                |r| r.requests.sent += 1,
                "requests.sent is 5021, but completed 4990 + failed 16 + discarded 6 + \
                 in_flight_at_end 8 is 5020",
            ),
            (
                |r| r.requests.open = r.requests.open.map(|open| Intended { shed: 31, ..open }),
                "requests.intended is 5054 and discarded 6, but sent 5020 + shed 31 + unsent 10 is 5061",
            ),
            (|r| r.errors.reset += 1, "requests.failed is 16, but the sum of errors is 17"),
            (
                |r| {
                    r.protocol_errors.insert("odd".into(), 4);
                },
                "errors.protocol is 6, but the sum of protocol_errors is 10",
            ),
            (
                |r| {
                    r.status.insert(201, 3);
                },
                "requests.completed is 4990, but the sum of status is 4993",
            ),
            (|r| r.latency_ns = None, "requests.completed is 4990, but the latency_ns.count is 0"),
        ];
        for (spoil, message) in table {
            let mut result = samples::failing();
            spoil(&mut result);
            assert_eq!(result.check(), Err(message.to_owned()));
        }
    }

    #[test]
    fn sums_beyond_64_bits_do_not_wrap() {
        let mut result = RunResult::new();
        result.errors.reset = u64::MAX;
        result.errors.timeout = 1;
        let message = result.check().expect_err("the sum is not 0");
        assert!(message.ends_with("18446744073709551616"), "{message}");
    }
}
