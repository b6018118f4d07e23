//! Whatever stands in a file of requests: it is read or refused, and what is read goes out with its placeholders filled and nothing
//! else changed.

#![no_main]

use std::ops::Range;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use saturing::protocol::{Out, Source};
use saturing::workload::builder::{Addition, Builder, Form};
use saturing::workload::placeholders::Typed;
use saturing::workload::{Layout, Workload, list, raw};

/// What one send is made of.
#[derive(Default)]
struct Sent(Vec<u8>);

impl Out for Sent {
    fn fixed(&mut self, _range: Range<usize>) -> bool {
        panic!("a request with placeholders is made anew")
    }

    fn write(&mut self, most: usize) -> Option<&mut [u8]> {
        self.0 = vec![0; most];
        Some(&mut self.0)
    }

    fn commit(&mut self, count: usize) {
        self.0.truncate(count);
    }
}

fn list(text: &str) {
    let Ok(items) = list::read(text) else { return };
    let lines: Vec<&str> = text.lines().collect();
    for item in items {
        assert!(lines[item.line - 1].contains(&item.target.0));
    }
}

fn filled(form: &Form) {
    let mut builder = Builder::new(0);
    let addition = Addition {
        kind: "k",
        method: "GET",
        path: "",
        plain: form.clone(),
        closing: None,
        asks_to_close: false,
        expect: None,
    };
    builder.add(addition).expect("room for one");
    let layout = Layout::new(Arc::new(builder.finish()), 1);
    let Workload::Mix(mut mix) = Workload::new(&layout, (0, 1), 0) else { panic!("it changes") };
    let mut sent = Sent::default();
    let entry = mix.take();
    assert!(mix.put(entry, false, true, 0).put(&mut sent));
    let mut expected = form.bytes.clone();
    for (at, found) in &form.places {
        let place = *at as usize..*at as usize + usize::from(found.width);
        let value = &sent.0[place.clone()];
        if let Typed::Rand { min, max } = found.typed {
            let number: u64 = std::str::from_utf8(value).expect("digits").parse().expect("a number");
            assert!((min..=max).contains(&number));
        }
        expected[place.clone()].copy_from_slice(value);
    }
    assert_eq!(sent.0, expected);
}

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        list(text);
    }
    if let Ok(read) = raw::read(input)
        && !read.form.places.is_empty()
    {
        filled(&read.form);
    }
});
