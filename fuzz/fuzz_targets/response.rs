//! Whatever bytes come, however they are split: the response parser keeps its promises and reads them alike.
//!
//! The first byte of an input says whether the answers are to `HEAD` (lowest bit) and how many cuts follow (the next
//! three bits), each two bytes; the rest is what the server sends. A seed that begins with `0` has no cuts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use saturing::protocol::h1::response::Heads;

#[path = "../../tests/it/framing/feeding.rs"]
mod feeding;

use feeding::outcomes;

fuzz_target!(|input: &[u8]| {
    let Some((&first, rest)) = input.split_first() else {
        return;
    };
    let head_request = first & 1 == 1;
    let cuts_end = rest.len().min(usize::from(first >> 1 & 7) * 2);
    let (cuts, bytes) = rest.split_at(cuts_end);
    let mut cuts: Vec<usize> = cuts
        .chunks_exact(2)
        .map(|cut| usize::from(u16::from_be_bytes([cut[0], cut[1]])) % (bytes.len() + 1))
        .collect();
    cuts.sort_unstable();

    let mut heads = Heads::of_one(head_request);
    let whole = outcomes(bytes, &[], &mut heads);
    // The heads of the first pass are remembered in the second and unknown in the third.
    assert_eq!(outcomes(bytes, &cuts, &mut heads), whole, "split");
    let everywhere: Vec<usize> = (1..bytes.len()).collect();
    assert_eq!(
        outcomes(bytes, &everywhere, &mut Heads::of_one(head_request)),
        whole,
        "bytewise"
    );
});
