//! Tables: from what is given to the bytes that are sent.

use super::*;
use crate::workload::RawFault;
use crate::workload::{StatusRange, Value};

const ORIGIN: &str = "h:81";

fn made(spec: &RequestsSpec, urls: &[&str]) -> Result<(RequestSet, Vec<String>), Error> {
    let parse = if spec.placeholders { Url::parse_with_placeholders } else { Url::parse };
    let urls: Vec<Url> = urls.iter().map(|text| parse(text).expect(text)).collect();
    let mut notes = Vec::new();
    spec.encode(&urls, &mut notes).map(|set| (set, notes))
}

fn set(spec: &RequestsSpec, urls: &[&str]) -> RequestSet {
    made(spec, urls).expect("a set").0
}

fn refusal(spec: &RequestsSpec, urls: &[&str]) -> String {
    made(spec, urls).expect_err("refused").to_string()
}

fn list(text: &str) -> RequestsSpec {
    let items = list::read(text).expect("a list");
    RequestsSpec { source: Source::List { name: "f".into(), items }, ..RequestsSpec::one("GET", &[], b"") }
}

/// The plain form of each request, less what all of them have.
fn texts(set: &RequestSet) -> Vec<String> {
    let agent = concat!("User-Agent: saturing/", env!("CARGO_PKG_VERSION"), "\r\n");
    let text =
        |entry| String::from_utf8_lossy(set.bytes_of(entry, false)).replace(agent, "").replace("Host: h:81\r\n", "");
    set.entries.iter().map(text).collect()
}

fn kinds(set: &RequestSet) -> Vec<(&str, u64)> {
    set.kinds.iter().map(|kind| (kind.name.as_str(), kind.weight)).collect()
}

#[test]
fn one_url_is_one_request_that_never_changes() {
    let set = set(&RequestsSpec::one("POST", &[], b"ab"), &["h:81/x?y"]);
    assert!(set.is_fixed());
    assert_eq!(texts(&set), ["POST /x?y HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"]);
    assert_eq!(kinds(&set), [("POST /x?y", 1)]);
    let closing = String::from_utf8_lossy(set.bytes_of(&set.entries[0], true)).into_owned();
    assert!(closing.contains("\r\nConnection: close\r\n"), "{closing}");
}

#[test]
fn several_urls_are_of_one_origin() {
    let spec = RequestsSpec::one("HEAD", &[], b"");
    let set = set(&spec, &["h:81/a", "http://h:81/b", "h:81/a"]);
    assert_eq!(texts(&set), ["HEAD /a HTTP/1.1\r\n\r\n", "HEAD /b HTTP/1.1\r\n\r\n", "HEAD /a HTTP/1.1\r\n\r\n"]);
    assert_eq!(kinds(&set), [("HEAD /a", 2), ("HEAD /b", 1)]);
    assert!(set.entries.iter().all(|entry| entry.head_only));
    assert_eq!(
        refusal(&spec, &["h:81/a", "h:82/b"]),
        "URL: must all be of one origin, here http://h:81, got http://h:82/b"
    );
}

#[test]
fn a_list_has_its_own_methods_headers_and_bodies() {
    let text = "/a\nhttp://h:81/b\n\nPOST /c\nX-A: own\n  body\n\nHEAD /d\n\nOPTIONS *\n";
    let headers = [("X-A".to_owned(), "all".to_owned()), ("X-B".to_owned(), "b".to_owned())];
    let set = set(&RequestsSpec { headers: headers.to_vec(), ..list(text) }, &[ORIGIN]);
    assert_eq!(
        texts(&set),
        [
            "GET /a HTTP/1.1\r\nX-A: all\r\nX-B: b\r\n\r\n",
            "GET /b HTTP/1.1\r\nX-A: all\r\nX-B: b\r\n\r\n",
            "POST /c HTTP/1.1\r\nX-B: b\r\nX-A: own\r\nContent-Length: 4\r\n\r\nbody",
            "HEAD /d HTTP/1.1\r\nX-A: all\r\nX-B: b\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nX-A: all\r\nX-B: b\r\n\r\n",
        ]
    );
    assert_eq!(kinds(&set), [("f", 2), ("POST /c", 1), ("HEAD /d", 1), ("OPTIONS *", 1)]);
    assert_eq!((set.kinds[0].method.as_str(), set.kinds[0].path.as_str()), ("GET", ""));
}

#[test]
fn rows_are_by_name_or_path_and_bounded() {
    let text = "# name: n\n/a\n/b\n# name: n\nPOST /c\n\nGET /b\n";
    assert_eq!(kinds(&set(&list(text), &[ORIGIN])), [("n", 2), ("f", 1), ("GET /b", 1)]);
    let by_path = RequestsSpec { by_path: true, ..list(text) };
    assert_eq!(kinds(&set(&by_path, &[ORIGIN])), [("n", 2), ("GET /b", 2)]);
    let many: String = (0..300).map(|number| format!("GET /{number}\n")).collect();
    let (shared, notes) = made(&list(&many), &[ORIGIN]).expect("a set");
    assert_eq!(kinds(&shared), [("f", 300)]);
    assert!(notes[0].starts_with("f has 300 different requests without a name: they share a row"), "{notes:?}");
    let lines: String = (0..300).map(|number| format!("/{number}\n")).collect();
    assert_eq!(kinds(&set(&list(&lines), &[ORIGIN])), [("f", 300)]);
    let refused = refusal(&RequestsSpec { by_path: true, ..list(&lines) }, &[ORIGIN]);
    assert_eq!(
        refused,
        "--by-path: at most 256 paths can have figures of their own: without it all lines share a row, got more"
    );
}

#[test]
fn placeholders_are_found_in_every_part_and_lengths_count_their_width() {
    let text = "POST /{SEQ:001}?r={RAND:1:20}\nX-Id: <{UUID}>\n  {\"n\":{SEQ:001},\"t\":{NOW_MS}}\n";
    let set = set(&list(text), &[ORIGIN]);
    let (uuid, time) = ("0".repeat(36), "0".repeat(13));
    let expected =
        format!("POST /000?r=00 HTTP/1.1\r\nX-Id: <{uuid}>\r\nContent-Length: 27\r\n\r\n{{\"n\":000,\"t\":{time}}}");
    assert_eq!(texts(&set), [expected]);
    for closes in [false, true] {
        let (bytes, patches) = (set.bytes_of(&set.entries[0], closes), set.patches_of(&set.entries[0], closes));
        let values: Vec<Value> = patches.iter().map(|patch| patch.value).collect();
        let rand = Value::Rand { min: 1, max: 20 };
        assert_eq!(values, [Value::Seq(0), rand, Value::Uuid, Value::Seq(0), Value::NowMs]);
        for patch in patches {
            let place = &bytes[patch.at as usize..][..usize::from(patch.width)];
            assert!(place.iter().all(|byte| *byte == b'0'), "{closes} {patch:?}");
        }
    }
    assert_eq!(set.sequences, [Sequence { start: 1, width: 3 }]);
    let later = RequestsSpec { seq_skip: 50, ..list(text) };
    assert_eq!(made(&later, &[ORIGIN]).expect("a set").0.sequences, [Sequence { start: 51, width: 3 }]);
}

#[test]
fn placeholders_of_the_command_line_are_asked_for() {
    let header = [("A".to_owned(), "{RAND:0:9}{RAND:0:9}".to_owned())];
    let spec = RequestsSpec::one("POST", &header, b"{SEQ:1}");
    assert!(set(&spec, &["h/"]).is_fixed());
    let filled = set(&RequestsSpec { placeholders: true, ..spec }, &["h/{UUID}"]);
    assert_eq!(filled.patches_of(&filled.entries[0], false).len(), 4);
    assert_eq!(filled.kinds[0].path, "/{UUID}");
    let host = RequestsSpec {
        placeholders: true,
        ..RequestsSpec::one("GET", &[("Host".into(), "{SEQ:10}.test".into())], b"")
    };
    let set = set(&host, &["h/"]);
    let entry = &set.entries[0];
    let patch = set.patches_of(entry, false)[0];
    assert!(set.bytes_of(entry, false)[patch.at as usize..].starts_with(b"00.test\r\n"));
}

#[test]
fn raw_files_are_sent_as_they_are() {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let (get, bad) = ("GET /{RAND:1:9} HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
    let files = vec![file("a/get", get), file("bad", bad), file("a/get", get), file("b/bad", get)];
    let spec = RequestsSpec { source: Source::Raw(files), ..RequestsSpec::one("GET", &[], b"") };
    let (set, notes) = made(&spec, &[ORIGIN]).expect("a set");
    assert_eq!(texts(&set)[..2], ["GET /0 HTTP/1.1\r\n\r\n", bad]);
    assert_eq!(kinds(&set), [("get", 2), ("bad", 1), ("b/bad", 1)]);
    assert_eq!(set.entries[0], set.entries[2]);
    assert!(set.entries.iter().all(|entry| entry.closing == entry.range && !entry.asks_to_close));
    assert!(notes.is_empty());
    assert_eq!(set.faults, [("bad".to_owned(), RawFault::OtherLength("9".into(), 2))]);
}

#[test]
fn bodies_take_turns_and_share_a_row() {
    let bodies = vec![b"one".to_vec(), b"three".to_vec()];
    let spec = RequestsSpec { source: Source::Bodies(bodies), ..RequestsSpec::one("POST", &[], b"") };
    let set = set(&spec, &["h:81/x"]);
    assert_eq!(
        texts(&set),
        ["POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\none", "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nthree"]
    );
    assert_eq!(kinds(&set), [("POST /x", 2)]);
}

#[test]
fn expectations_of_a_request_win_over_those_of_all() {
    let all = Expect { status: vec![StatusRange { first: 200, last: 200 }], body: Some(b"ok".to_vec()) };
    let text = "/a\n\nGET /b\nexpect: 404\n\nGET /c\nexpect-body: no\nexpect: 2xx\n\n/d\n";
    let set = set(&RequestsSpec { expect: all.clone(), ..list(text) }, &[ORIGIN]);
    let of = |entry: usize| &set.expectations[usize::from(set.entries[entry].expects.expect("one"))];
    assert_eq!((of(0), of(3)), (&all, &all));
    assert_eq!(of(1), &Expect { status: vec![StatusRange { first: 404, last: 404 }], ..all });
    assert_eq!(of(2), &Expect { status: vec![StatusRange { first: 200, last: 299 }], body: Some(b"no".to_vec()) });
    assert_eq!(set.expectations.len(), 3);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, message) in [
        (
            "/a\nhttp://other/b",
            "--input: f, line 2, column 1: must be of one origin with the others, http://h:81, got http://other/b",
        ),
        (
            "GET  /a{RANDOM:1:2}",
            "--input: f, line 1, column 8: a placeholder is {RAND:min:max}, {SEQ:start}, {UUID} or {NOW_MS}, got {RANDOM:1:2}",
        ),
        (
            "GET /a\nX: a{SEQ:x}",
            "--input: f, line 2, column 5: {SEQ:start} takes a whole number of at most 19 digits, got {SEQ:x}",
        ),
        ("POST /a\n  x\n  {UUID:1}", "--input: f, line 3: {UUID} and {NOW_MS} take no value, got {UUID:1}"),
        (
            "POST /a\n@/nowhere/at/all",
            "--input: f, line 2: cannot be read (No such file or directory (os error 2)), got /nowhere/at/all",
        ),
        ("GET /a\nexpect: 20", "--input: f, line 2: must be status codes, as in 200,204,3xx or 200-299, got 20"),
        (
            "/a{b}",
            "--input: f, line 1, column 1: { and } must be percent-encoded, as in http://h:81/a%7Bb%7D, got /a{b}",
        ),
        (
            "POST /a\nContent-Length: 3\n  ab",
            "--input: f, line 1: Content-Length is the length of the body, here 2, and is sent without being asked for; given: \"3\"",
        ),
        ("CONNECT /a", "--input: f, line 1: CONNECT opens a tunnel, which is no load that can be measured here"),
    ] {
        assert_eq!(refusal(&list(text), &[ORIGIN]), message, "{text}");
    }
    let raw = vec![("r".to_owned(), b"GET / HTTP/1.1\r\nA: {FOO:1}\r\n\r\n".to_vec())];
    let spec = RequestsSpec { source: Source::Raw(raw), ..RequestsSpec::one("GET", &[], b"") };
    assert_eq!(
        refusal(&spec, &[ORIGIN]),
        "--raw: r, line 2, column 4: a placeholder is {RAND:min:max}, {SEQ:start}, {UUID} or {NOW_MS}, got {FOO:1}"
    );
}

#[test]
fn numbers_that_will_not_fit_are_known_before() {
    let set = set(&list("/a?{SEQ:90}\n/b\n/c?{SEQ:90}\n"), &[ORIGIN]);
    // Two of three draw, and there are 10.
    assert_eq!(past_width(&set, 15), None);
    assert_eq!(past_width(&set, 17).map(|(_, needed)| needed), Some(12));
    assert_eq!(past_width(&RequestSet { order: Order::Random, ..set }, 1000), None);
}

#[test]
fn a_list_may_say_itself_where_it_goes() {
    assert_eq!(list("/a\nhttp://h/b\n").own_url(), Some("http://h/b"));
    assert_eq!(list("/a\n").own_url(), None);
    assert_eq!(RequestsSpec::one("GET", &[], b"").own_url(), None);
}
