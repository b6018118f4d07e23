//! However bytes are split, the same comes of them.

use proptest::prelude::*;
use proptest::sample::Index;
use saturing::protocol::h1::response::Heads;

use super::feeding::outcomes;
use super::{generated, table};

/// Splits of longer streams are tried in steps, to keep the test quick.
const ALL_SPLITS_UP_TO: usize = 2048;

#[test]
fn the_table_holds_for_every_split() {
    for case in table::cases() {
        let bytes = case.bytes.as_slice();
        let fresh = || Heads::of_one(case.head_request);
        let feed = |cuts: &[usize], heads: &mut Heads| outcomes(bytes, cuts, heads);
        assert_eq!(feed(&[], &mut fresh()), case.expected, "{}: whole", case.name);
        let everywhere: Vec<_> = (1..bytes.len()).collect();
        assert_eq!(feed(&everywhere, &mut fresh()), case.expected, "{}: bytewise", case.name);

        let step = if bytes.len() <= ALL_SPLITS_UP_TO { 1 } else { 509 };
        let mut remembering = fresh();
        for cut in (0..=bytes.len()).step_by(step) {
            assert_eq!(feed(&[cut], &mut fresh()), case.expected, "{}: at {cut}", case.name);
            let again = feed(&[cut], &mut remembering);
            assert_eq!(again, case.expected, "{}: at {cut}, remembering", case.name);
        }
    }
}

fn cuts_of(cuts: &[Index], bytes: &[u8]) -> Vec<usize> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_answers_are_read_as_they_were_meant(
        stream in generated::stream(),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let mut heads = Heads::of_one(stream.head_request);
        let expected = &stream.expected;
        prop_assert_eq!(&outcomes(&stream.bytes, &[], &mut heads), expected);
        let cuts = cuts_of(&cuts, &stream.bytes);
        prop_assert_eq!(&outcomes(&stream.bytes, &cuts, &mut heads), expected);
    }

    #[test]
    fn mutations_are_read_alike_however_split(
        stream in generated::stream(),
        mutations in prop::collection::vec(generated::mutation(), 1..6),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let bytes = generated::mutate(stream.bytes, &mutations);
        let mut heads = Heads::of_one(stream.head_request);
        let whole = outcomes(&bytes, &[], &mut heads);
        let cuts = cuts_of(&cuts, &bytes);
        prop_assert_eq!(&outcomes(&bytes, &cuts, &mut heads), &whole);
        let everywhere: Vec<_> = (1..bytes.len()).collect();
        prop_assert_eq!(&outcomes(&bytes, &everywhere, &mut Heads::of_one(stream.head_request)), &whole);
    }
}
