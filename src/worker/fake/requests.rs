//! What the loop sends, as the server reads it; and the requests that tests send.

use std::sync::Arc;

use memchr::memmem;

use crate::workload::{Encoded, Kind, Layout, Patch, RequestSet, Sequence, Value};

/// A request as the server has read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::worker) struct Asked {
    /// The row of the report that it counts in: its path is `/` and this.
    pub(in crate::worker) kind: u16,
    pub(in crate::worker) head_only: bool,
    pub(in crate::worker) closes: bool,
    /// What stands behind `?n=`.
    pub(in crate::worker) number: Option<u64>,
}

/// All requests of one send.
///
/// # Panics
/// If one is not whole, or no request.
pub(super) fn read(mut bytes: &[u8]) -> Vec<Asked> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let end = memmem::find(bytes, b"\r\n\r\n").expect("a head is sent whole") + 4;
        let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
        let mut words = head.split(' ');
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let (kind, number) = path.split_once("?n=").unwrap_or((path, ""));
        let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
        let body: usize = length.map_or(0, |digits| digits.parse().expect("a length"));
        assert!(bytes.len() >= end + body, "a body is sent whole");
        all.push(Asked {
            kind: kind.strip_prefix('/').and_then(|kind| kind.parse().ok()).expect("a path of ours"),
            head_only: method == "HEAD",
            closes: head.contains("Connection: close\r\n"),
            number: number.parse().ok(),
        });
        bytes = &bytes[end + body..];
    }
    all
}

/// One request, always the same, with a body of so many bytes.
pub(in crate::worker) fn fixed(body: usize, pipeline: u32) -> Layout {
    list(&[(0, "GET", body)], pipeline)
}

/// A list of requests: the kind, the method, and bytes of the body of each.
pub(in crate::worker) fn list(requests: &[(u16, &str, usize)], pipeline: u32) -> Layout {
    layout(set(requests), pipeline)
}

pub(in crate::worker) fn layout(set: RequestSet, pipeline: u32) -> Layout {
    Layout::new(Arc::new(set), pipeline)
}

/// As [`list`]; a method with `#` in front has a number of its own in each request, of four digits from 1 on.
pub(in crate::worker) fn set(requests: &[(u16, &str, usize)]) -> RequestSet {
    let mut set = RequestSet::default();
    for &(kind, method, body) in requests {
        let (method, numbered) = method.strip_prefix('#').map_or((method, false), |method| (method, true));
        let mut form = |close: &str| {
            let number = if numbered { "?n=0001" } else { "" };
            let start = set.bytes.len() as u32;
            let text = format!("{method} /{kind}{number} HTTP/1.1\r\n{close}Content-Length: {body}\r\n\r\n");
            set.bytes.extend_from_slice(text.as_bytes());
            set.bytes.resize(set.bytes.len() + body, b'x');
            let patches = set.patches.len() as u32;
            if numbered {
                let at = (text.find("=0001").expect("the number") + 1) as u32;
                set.patches.push(Patch { at, width: 4, value: Value::Seq(0) });
            }
            (start..set.bytes.len() as u32, patches..set.patches.len() as u32)
        };
        let ((range, patches), (closing, closing_patches)) = (form(""), form("Connection: close\r\n"));
        let head_only = method == "HEAD";
        let asks_to_close = true;
        let entry = Encoded { kind, head_only, range, closing, asks_to_close, patches, closing_patches, expects: None };
        set.entries.push(entry);
        if numbered {
            set.sequences = vec![Sequence { start: 1, width: 4 }];
        }
        let kinds = set.kinds.len().max(usize::from(kind) + 1);
        set.kinds.resize(kinds, Kind::default());
        set.kinds[usize::from(kind)].weight += 1;
    }
    set
}
