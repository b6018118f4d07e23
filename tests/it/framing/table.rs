//! Answers as servers send them, good and bad, and what must come of them.

use super::feeding::Outcome::{self, Cut, Refused};

/// One connection's bytes.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) head_request: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Vec<Outcome>,
}

/// An answer on a connection that lives on.
fn kept(status: u16, body_bytes: u64) -> Outcome {
    Outcome::Answer { status, body_bytes, keep_alive: true }
}

/// An answer on a connection that ends behind it.
fn last(status: u16, body_bytes: u64) -> Outcome {
    Outcome::Answer { status, body_bytes, keep_alive: false }
}

/// A case whose expectations are many, or whose bytes are no text.
fn case(name: &'static str, bytes: impl AsRef<[u8]>, expected: &[Outcome]) -> Case {
    let (bytes, expected) = (bytes.as_ref().to_vec(), expected.to_vec());
    Case { name, head_request: false, bytes, expected }
}

/// Answers to `GET`, one outcome each, with `\n` for CR LF.
fn rows(rows: &[(&'static str, &str, Outcome)]) -> Vec<Case> {
    let row =
        |&(name, text, outcome): &(&'static str, &str, Outcome)| case(name, text.replace('\n', "\r\n"), &[outcome]);
    rows.iter().map(row).collect()
}

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    [lengths(), chunks(), trailers(), closes(), bodiless(), interim(), heads(), limits(), streams(), others()]
        .into_iter()
        .flatten()
        .collect()
}

#[rustfmt::skip]
fn lengths() -> Vec<Case> {
    let with = |name, value: &str, outcome| {
        case(name, format!("HTTP/1.1 200 OK\r\nContent-Length:{value}\r\n\r\nhello"), &[outcome])
    };
    let mut cases = rows(&[
        ("no body", "HTTP/1.1 200 OK\ncontent-length: 0\n\n", kept(200, 0)),
        ("twice the same", "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 5\n\nhello", kept(200, 5)),
        ("list and line", "HTTP/1.1 200 OK\nContent-Length: 5, 5\nContent-Length: 05\n\nhello", kept(200, 5)),
        ("two lengths",
            "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n\nhello", Refused("conflicting_length")),
        ("beside chunked",
            "HTTP/1.1 200 OK\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n", Refused("conflicting_length")),
        ("beside chunked, behind it",
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 5\n\n0\n\n", Refused("conflicting_length")),
        ("beside gzip",
            "HTTP/1.1 200 OK\nTransfer-Encoding: gzip\nContent-Length: 5\n\nhello", Refused("conflicting_length")),
    ]);
    cases.extend([
        with("plain", " 5", kept(200, 5)),
        with("no space", "5", kept(200, 5)),
        with("white space", "\t 5 \t", kept(200, 5)),
        with("leading zeros", " 0005", kept(200, 5)),
        with("a list of the same", " 5, 5", kept(200, 5)),
        with("a list of two", " 5, 6", Refused("conflicting_length")),
        with("a list with a gap", " 5,, 5", Refused("invalid_length")),
        with("a list with an open end", " 5,", Refused("invalid_length")),
        with("plus", " +5", Refused("invalid_length")),
        with("minus", " -1", Refused("invalid_length")),
        with("empty", "", Refused("invalid_length")),
        with("hexadecimal", " 0x5", Refused("invalid_length")),
        with("a fraction", " 5.0", Refused("invalid_length")),
        with("two words", " 5 5", Refused("invalid_length")),
        with("letters", " five", Refused("invalid_length")),
        with("not ASCII", " \u{665}", Refused("invalid_length")),
        with("one more than u64", " 18446744073709551616", Refused("invalid_length")),
        with("the most of u64", " 18446744073709551615", Cut),
        with("cut", " 6", Cut),
    ]);
    cases
}

#[rustfmt::skip]
fn chunks() -> Vec<Case> {
    let with = |name, body: &str, outcome| {
        let body = body.replace('\n', "\r\n");
        case(name, format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}"), &[outcome])
    };
    let raw = |name, body: &str| {
        let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        case(name, text, &[Refused("invalid_chunk")])
    };
    let lf = |name, body: &str| {
        case(name, format!("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n{body}"), &[kept(200, 5)])
    };
    let mut cases = rows(&[
        ("chunked in another case", "HTTP/1.1 200 OK\ntransfer-encoding: CHUNKED\n\n1\nx\n0\n\n", kept(200, 1)),
        ("chunked last", "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n1\nx\n0\n\n", kept(200, 1)),
        ("chunked on a later line",
            "HTTP/1.1 200 OK\nTransfer-Encoding: gzip\nTransfer-Encoding: chunked\n\n1\nx\n0\n\n", kept(200, 1)),
        ("chunked and a comma", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked,\n\n1\nx\n0\n\n", kept(200, 1)),
        ("chunked and an empty line",
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding:\n\n1\nx\n0\n\n", kept(200, 1)),
        ("chunked twice",
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked, chunked\n\n0\n\n", Refused("invalid_transfer_encoding")),
        ("chunked on two lines",
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n",
            Refused("invalid_transfer_encoding")),
        ("chunked in 1.0",
            "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n", Refused("invalid_transfer_encoding")),
        ("chunked not last", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked, gzip\n\n0\n\n", last(200, 5)),
        ("another coding", "HTTP/1.1 200 OK\nTransfer-Encoding: identity\n\nhello", last(200, 5)),
        ("a name that ends in chunked", "HTTP/1.1 200 OK\nTransfer-Encoding: xchunked\n\n0\n\n", last(200, 5)),
    ]);
    cases.extend([
        case("not ASCII before chunked",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \xff, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", &[kept(200, 1)]),
        with("no chunk", "0\n\n", kept(200, 0)),
        with("two chunks", "5\nhello\n6\n world\n0\n\n", kept(200, 11)),
        with("a size in hexadecimal", "1A\nabcdefghijklmnopqrstuvwxyz\n0\n\n", kept(200, 26)),
        with("small letters", "a\n0123456789\n0\n\n", kept(200, 10)),
        with("leading zeros in a size", "0000000000000005\nhello\n000\n\n", kept(200, 5)),
        with("extensions", "5;a=b\nhello\n0;last;q=\"x y\"\n\n", kept(200, 5)),
        with("white space behind a size", "5 \t\nhello\n0 ;a\n\n", kept(200, 5)),
        with("line ends in the data", "4\n\n\n\n0\n\n", kept(200, 4)),
        with("seventeen digits", "00000000000000005\nhello\n0\n\n", Refused("invalid_chunk")),
        with("more than u64", "10000000000000000\nhello\n0\n\n", Refused("invalid_chunk")),
        with("the most of u64", "ffffffffffffffff\nhello\n0\n\n", Cut),
        with("no size", "\nhello\n0\n\n", Refused("invalid_chunk")),
        with("only an extension", ";a\nhello\n0\n\n", Refused("invalid_chunk")),
        with("no number", "5x\nhello\n0\n\n", Refused("invalid_chunk")),
        with("a prefix", "0x5\nhello\n0\n\n", Refused("invalid_chunk")),
        with("a sign", "-5\nhello\n0\n\n", Refused("invalid_chunk")),
        with("white space before a size", " 5\nhello\n0\n\n", Refused("invalid_chunk")),
        with("two numbers", "5 5\nhello\n0\n\n", Refused("invalid_chunk")),
        with("more data than the size", "4\nhello\n0\n\n", Refused("invalid_chunk")),
        with("less data than the size", "7\nhello\n0\n\n", Refused("invalid_chunk")),
        with("one byte less than the size, which a CR can be", "6\nhello\n0\n\n", kept(200, 6)),
        with("cut in a size", "5", Cut),
        with("cut in an extension", "5;a", Cut),
        with("cut in the data", "5\nhell", Cut),
        with("cut behind the data", "5\nhello\n", Cut),
        with("cut before the last line", "5\nhello\n0\n", Cut),
        lf("LF alone behind a size", "5\nhello\r\n0\r\n\r\n"),
        lf("LF alone behind an extension", "5;a\nhello\r\n0\r\n\r\n"),
        lf("LF alone behind white space", "5 \nhello\r\n0\t\n\r\n"),
        lf("LF alone behind the data", "5\r\nhello\n0\r\n\r\n"),
        lf("LF alone in the last line", "5\r\nhello\r\n0\r\n\n"),
        lf("LF alone throughout", "5\nhello\n0\nX: 1\n\n"),
        with("no extension behind a semicolon", "5;\nhello\n0;\n\n", kept(200, 5)),
        with("an extension with an open quote", "5;q=\"x;y\nhello\n0;\"\n\n", kept(200, 5)),
        with("an extension that is none", "5;=;; ,\nhello\n0\n\n", kept(200, 5)),
        with("words behind a size", "5 a\nhello\n0\n\n", Refused("invalid_chunk")),
        raw("CR alone behind a size", "5\rhello\r\n0\r\n\r\n"),
        raw("CR within an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        raw("CR alone behind the data", "5\r\nhello\r0\r\n\r\n"),
    ]);
    cases
}

#[rustfmt::skip]
fn trailers() -> Vec<Case> {
    let with = |name, trailers: &str, outcome| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        case(name, format!("{head}1\r\nx\r\n0\r\n{trailers}"), &[outcome])
    };
    let field = "X-Sum: 1\r\n";
    let long = |bytes: usize| format!("X: {}\r\n\r\n", "v".repeat(bytes - 7));
    vec![
        with("one", "X-Sum: 123\r\n\r\n", kept(200, 1)),
        with("several", "A: \u{e9}\t1\r\nB:\r\nContent-Length: 7\r\n\r\n", kept(200, 1)),
        with("cut in a name", "X-Su", Cut),
        with("cut behind one", "X-Sum: 1\r\n", Cut),
        with("cut in the last line", "X-Sum: 1\r\n\r", Cut),
        with("no colon", "HTTP/1.1 200 OK\r\n\r\n", Refused("invalid_trailer")),
        with("no name", ": 1\r\n\r\n", Refused("invalid_trailer")),
        with("white space before the colon", "A : 1\r\n\r\n", Refused("invalid_trailer")),
        with("folded", "A: 1\r\n 2\r\n\r\n", kept(200, 1)),
        with("folded to nothing", "A:\r\n\t\r\n \n\r\n", kept(200, 1)),
        with("folded before any", " A: 1\r\n\r\n", Refused("invalid_trailer")),
        with("a name without a value, folded", "A\r\n : 1\r\n\r\n", Refused("invalid_trailer")),
        with("folds of one trailer", &(String::from("A: 1\r\n") + &" x\r\n".repeat(300) + "\r\n"), kept(200, 1)),
        with("NUL", "A: \0\r\n\r\n", Refused("invalid_trailer")),
        with("CR alone", "A: 1\rB: 2\r\n\r\n", Refused("invalid_trailer")),
        with("CR alone at the end", "A: 1\r\n\rB: 2\r\n\r\n", Refused("invalid_trailer")),
        with("LF alone", "A: 1\nB: 2\r\n\r\n", kept(200, 1)),
        with("LF alone at the end", "A: 1\r\n\n", kept(200, 1)),
        with("as many as may be", &(field.repeat(256) + "\r\n"), kept(200, 1)),
        with("one too many", &(field.repeat(257) + "\r\n"), Refused("trailers_too_large")),
        with("as long as may be", &long(65_530), kept(200, 1)),
        with("too long", &long(65_537), Refused("trailers_too_large")),
    ]
}

#[rustfmt::skip]
fn closes() -> Vec<Case> {
    let with = |name, minor: u8, value: &str, outcome| {
        let text = format!("HTTP/1.{minor} 200 OK\r\nContent-Length: 1\r\nConnection: {value}\r\n\r\nx");
        case(name, text, &[outcome])
    };
    let mut cases = rows(&[
        ("no length", "HTTP/1.1 200 OK\n\nhello", last(200, 5)),
        ("no length, no body", "HTTP/1.1 200 OK\n\n", last(200, 0)),
        ("no length, kept alive", "HTTP/1.1 200 OK\nConnection: keep-alive\n\nhello", last(200, 5)),
        ("1.0", "HTTP/1.0 200 OK\nContent-Length: 5\n\nhello", last(200, 5)),
        ("1.0 without a length", "HTTP/1.0 200 OK\nConnection: keep-alive\n\nhello", last(200, 5)),
        ("close on a second line",
            "HTTP/1.1 200 OK\nConnection: x\nconnection: close\nContent-Length: 0\n\n", last(200, 0)),
        ("close cannot be taken back",
            "HTTP/1.0 200 OK\nConnection: close\nConnection: keep-alive\nContent-Length: 0\n\n", last(200, 0)),
    ]);
    cases.extend([
        with("close", 1, "close", last(200, 1)),
        with("close in another case", 1, "CLOSE", last(200, 1)),
        with("close in a list", 1, "foo ,\tClose", last(200, 1)),
        with("not quite close", 1, "closed, not-close", kept(200, 1)),
        with("keep-alive", 1, "keep-alive", kept(200, 1)),
        with("keep-alive in 1.0", 0, "Keep-Alive", kept(200, 1)),
        with("keep-alive in a list in 1.0", 0, "foo, keep-alive", kept(200, 1)),
        with("both", 0, "keep-alive, close", last(200, 1)),
        with("neither in 1.0", 0, "keep", last(200, 1)),
    ]);
    cases
}

#[rustfmt::skip]
fn bodiless() -> Vec<Case> {
    let mut cases = rows(&[
        ("204", "HTTP/1.1 204 No Content\n\n", kept(204, 0)),
        ("204 with a length", "HTTP/1.1 204 No Content\nContent-Length: 5\n\n", kept(204, 0)),
        ("304 with a length", "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n", kept(304, 0)),
        ("304 with nonsense",
            "HTTP/1.1 304 Not Modified\nContent-Length: x, 5\nTransfer-Encoding: chunked, chunked\n\n", kept(304, 0)),
        ("304 and close", "HTTP/1.1 304 Not Modified\nConnection: close\n\n", last(304, 0)),
        ("205 is not one of them", "HTTP/1.1 205 Reset Content\nContent-Length: 1\n\nx", kept(205, 1)),
    ]);
    let mut to_head = rows(&[
        ("HEAD", "HTTP/1.1 200 OK\nContent-Length: 1000\n\n", kept(200, 0)),
        ("HEAD, chunked", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", kept(200, 0)),
        ("HEAD without a length", "HTTP/1.1 200 OK\n\n", kept(200, 0)),
        ("HEAD of 1.0", "HTTP/1.0 200 OK\nContent-Length: -1\n\n", last(200, 0)),
        ("HEAD, interim", "HTTP/1.1 103 Early Hints\n\nHTTP/1.1 200 OK\nContent-Length: 5\n\n", kept(200, 0)),
    ]);
    to_head.push(case(
        "HEAD, two",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 404 No\r\nConnection: close\r\n\r\n",
        &[kept(200, 0), last(404, 0)],
    ));
    for case in &mut to_head {
        case.head_request = true;
    }
    cases.append(&mut to_head);
    cases
}

#[rustfmt::skip]
fn interim() -> Vec<Case> {
    rows(&[
        ("100", "HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\nx", kept(200, 1)),
        ("several", "HTTP/1.1 100 \n\nHTTP/1.1 103 \nLink: x\n\nHTTP/1.1 102 \n\nHTTP/1.1 204 \n\n", kept(204, 0)),
        ("its headers frame nothing",
            "HTTP/1.1 100 \nContent-Length: 9\nTransfer-Encoding: chunked\nConnection: close\n\nHTTP/1.1 204 \n\n",
            kept(204, 0)),
        ("an empty line behind it", "HTTP/1.1 100 \n\n\nHTTP/1.1 204 \n\n", kept(204, 0)),
        ("alone", "HTTP/1.1 100 Continue\n\n", Cut),
        ("101",
            "HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: upgrade\n\n", Refused("unexpected_upgrade")),
        ("101 behind 100", "HTTP/1.1 100 \n\nHTTP/1.1 101 \n\n", Refused("unexpected_upgrade")),
        ("garbage behind it", "HTTP/1.1 100 \n\nhello", Refused("not_http")),
    ])
}

#[rustfmt::skip]
fn heads() -> Vec<Case> {
    let mut cases = rows(&[
        ("no reason", "HTTP/1.1 200\nContent-Length: 0\n\n", kept(200, 0)),
        ("empty reason", "HTTP/1.1 200 \nContent-Length: 0\n\n", kept(200, 0)),
        ("no headers", "HTTP/1.1 204\n\n", kept(204, 0)),
        ("status 999", "HTTP/1.1 999 Odd\nContent-Length: 0\n\n", kept(999, 0)),
        ("empty lines before", "\n\nHTTP/1.1 204\n\n", kept(204, 0)),
        ("garbage", "hello", Refused("not_http")),
        ("a space before", " HTTP/1.1 200 OK\n\n", Refused("not_http")),
        ("small letters", "http/1.1 200 OK\n\n", Refused("not_http")),
        ("another protocol", "SSH-2.0-x\n", Refused("not_http")),
        ("RTSP", "HTTX/1.1 200 OK\n\n", Refused("not_http")),
        ("HTTP/2", "HTTP/2.0 200 OK\n\n", Refused("unsupported_version")),
        ("HTTP/1.2", "HTTP/1.2 200 OK\nContent-Length: 5\n\nhello", kept(200, 5)),
        ("HTTP/1.9, chunked", "HTTP/1.9 200 OK\nTransfer-Encoding: chunked\n\n1\nx\n0\n\n", kept(200, 1)),
        ("HTTP/1.2 and close", "HTTP/1.2 204\nConnection: close\n\n", last(204, 0)),
        ("HTTP/1.2 without a length", "HTTP/1.2 200 OK\n\nhello", last(200, 5)),
        ("HTTP/1.x", "HTTP/1.x 200 OK\n\n", Refused("malformed_head")),
        ("HTTP/3", "HTTP/3.1 200 OK\n\n", Refused("unsupported_version")),
        ("HTTP/1.10", "HTTP/1.10 200 OK\n\n", Refused("malformed_head")),
        ("HTTP/01.1", "HTTP/01.1 200 OK\n\n", Refused("unsupported_version")),
        ("two spaces", "HTTP/1.1  200 OK\n\n", Refused("malformed_head")),
        ("status of two digits", "HTTP/1.1 20 OK\n\n", Refused("malformed_head")),
        ("status of four digits", "HTTP/1.1 2000 OK\n\n", Refused("malformed_head")),
        ("status below 100", "HTTP/1.1 099 OK\n\n", Refused("malformed_head")),
        ("status in letters", "HTTP/1.1 abc OK\n\n", Refused("malformed_head")),
        ("no status", "HTTP/1.1\n\n", Refused("malformed_head")),
        ("no colon", "HTTP/1.1 200 OK\nServer\n\n", Refused("malformed_head")),
        ("no name", "HTTP/1.1 200 OK\n: x\n\n", Refused("malformed_head")),
        ("white space before the colon", "HTTP/1.1 200 OK\nContent-Length : 5\n\nhello", Refused("malformed_head")),
        ("white space before a name", "HTTP/1.1 200 OK\n Content-Length: 5\n\nhello", Refused("malformed_head")),
        ("folded", "HTTP/1.1 204\nX: a\n b\n\n", kept(204, 0)),
        ("folded to nothing", "HTTP/1.1 204\nX:\n \n\t\n\n", kept(204, 0)),
        ("folded length", "HTTP/1.1 200 OK\nContent-Length:\n\t 5\n\nhello", kept(200, 5)),
        ("folded behind a length", "HTTP/1.1 200 OK\nContent-Length: 5\n \n\nhello", kept(200, 5)),
        ("folded list of lengths", "HTTP/1.1 200 OK\nContent-Length: 5,\n 5\n\nhello", kept(200, 5)),
        ("folded within a length", "HTTP/1.1 200 OK\nContent-Length: 1\n 2\n\n", Refused("invalid_length")),
        ("folded codings", "HTTP/1.1 200 OK\nTransfer-Encoding: gzip,\n chunked\n\n1\nx\n0\n\n", kept(200, 1)),
        ("folded within a coding", "HTTP/1.1 200 OK\nTransfer-Encoding: chun\n ked\n\nx", last(200, 1)),
        ("folded close", "HTTP/1.1 200 OK\nConnection: x,\n\tclose\nContent-Length: 0\n\n", last(200, 0)),
        ("a header in a fold", "HTTP/1.1 200 OK\nX: a\n Content-Length: 9\nContent-Length: 1\n\nx", kept(200, 1)),
        ("folded name", "HTTP/1.1 200 OK\nX\n : a\n\n", Refused("malformed_head")),
        ("folded status line", "HTTP/1.1 200\n OK\n\n", Refused("malformed_head")),
        ("NUL in a value", "HTTP/1.1 200 OK\nX: a\0b\n\n", Refused("malformed_head")),
        ("NUL in the reason", "HTTP/1.1 200 O\0K\n\n", Refused("malformed_head")),
        ("nothing behind the status line", "HTTP/1.1 200 OK\n", Cut),
        ("one letter", "H", Cut),
    ]);
    let empty_lines = |count: usize| format!("{}HTTP/1.1 204\r\n\r\n", "\r\n".repeat(count));
    cases.extend([
        case("nothing", "", &[]),
        case("empty lines only", "\r\n\n\r", &[]),
        case("as many empty lines before as may be", empty_lines(64), &[kept(204, 0)]),
        case("too many empty lines before", empty_lines(65), &[Refused("not_http")]),
        case("as many LF before as may be", "\n".repeat(128) + "HTTP/1.1 204\n\n", &[kept(204, 0)]),
        case("LF alone and a fold", "HTTP/1.1 200 OK\nContent-Length:\n 5\n\nhello", &[kept(200, 5)]),
        case("LF alone", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", &[kept(200, 5)]),
        case("line ends mixed", "\nHTTP/1.1 200\r\nContent-Length: 5\n\r\nhello", &[kept(200, 5)]),
        case("line ends mixed, the other way", "HTTP/1.1 200\nContent-Length: 5\r\n\nhello", &[kept(200, 5)]),
        case("LF alone, too many before", "\n".repeat(129) + "HTTP/1.1 204\n\n", &[Refused("not_http")]),
        case("CR alone before", "\rHTTP/1.1 200 OK\r\n\r\n", &[Refused("not_http")]),
        case("CR alone", "HTTP/1.1 200 OK\rX: 1\r\n\r\n", &[Refused("malformed_head")]),
        case("CR at the start of a line", "HTTP/1.1 200 OK\r\n\rX: 1\r\n\r\n", &[Refused("malformed_head")]),
        case("CR within a value", "HTTP/1.1 200 OK\r\nX: 1\r2\r\n\r\n", &[Refused("malformed_head")]),
        case("CR CR LF", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\r\n\r\n", &[Refused("malformed_head")]),
        case("not ASCII", b"HTTP/1.1 200 \xe9\r\nX: \xff\r\nContent-Length: 0\r\n\r\n", &[kept(200, 0)]),
        case("a name not ASCII", b"HTTP/1.1 200 OK\r\n\xe9: 1\r\n\r\n", &[Refused("malformed_head")]),
    ]);
    cases
}

#[rustfmt::skip]
fn limits() -> Vec<Case> {
    let headers = |count: usize| format!("HTTP/1.1 204\r\n{}\r\n", "X: 1\r\n".repeat(count));
    let folds = |count: usize, headers: usize| {
        format!("HTTP/1.1 204\r\n{}\r\n", format!("X: 1\r\n{}", " \r\n".repeat(count)).repeat(headers))
    };
    let bytes = |length: usize| format!("HTTP/1.1 204\r\nX: {}\r\n\r\n", "v".repeat(length - 21));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let size_line = |length: usize, filler: &str| {
        format!("{chunked}1{}\r\nx\r\n0\r\n\r\n", filler.repeat(length - 1))
    };
    let chunk = format!("1;{}\r\nx\r\n", "e".repeat(4000));
    let many = format!("{chunked}{}0\r\n\r\n", chunk.repeat(5));
    let big = "b".repeat(100_000);
    vec![
        case("as many headers as few", headers(32), &[kept(204, 0)]),
        case("more than few", headers(33), &[kept(204, 0)]),
        case("as many headers as may be", headers(256), &[kept(204, 0)]),
        case("one header too many", headers(257), &[Refused("too_many_headers")]),
        case("many folds of few headers", folds(300, 32), &[kept(204, 0)]),
        case("many folds of as many headers as may be", folds(2, 256), &[kept(204, 0)]),
        case("folds to no end", folds(70_000, 1), &[Refused("head_too_large")]),
        case("as long a head as may be", bytes(65_536), &[kept(204, 0)]),
        case("one byte too long a head", bytes(65_537), &[Refused("head_too_large")]),
        case("an unending head", &bytes(70_000)[..65_536], &[Refused("head_too_large")]),
        case("a head that might yet end", &bytes(70_000)[..65_535], &[Cut]),
        case("unending headers", &headers(300)[..1600], &[Refused("too_many_headers")]),
        case("as long an extension as may be", size_line(4096, ";"), &[kept(200, 1)]),
        case("too long an extension", size_line(4097, ";"), &[Refused("chunk_line_too_long")]),
        case("as much white space as may be", size_line(4096, " "), &[kept(200, 1)]),
        case("too much white space", size_line(4097, " "), &[Refused("chunk_line_too_long")]),
        case("many long extensions", many, &[kept(200, 5)]),
        case("a big body", format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{big}"), &[kept(200, 100_000)]),
        case("a big chunk", format!("{chunked}186A0\r\n{big}\r\n0\r\n\r\n"), &[kept(200, 100_000)]),
        case("a big body to the end", format!("HTTP/1.1 200 OK\r\n\r\n{big}"), &[last(200, 100_000)]),
    ]
}

#[rustfmt::skip]
fn streams() -> Vec<Case> {
    let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let other = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let many = [kept(200, 5); 16];
    vec![
        case("sixteen alike", hello.repeat(16), &many),
        case("alternating",
            [hello, other, hello, other].concat(), &[kept(200, 5), kept(404, 2), kept(200, 5), kept(404, 2)]),
        case("all kinds",
            [chunked, hello, "HTTP/1.1 204 \r\n\r\n", chunked, "HTTP/1.1 200 \r\n\r\nx"].concat(),
            &[kept(200, 3), kept(200, 5), kept(204, 0), kept(200, 3), last(200, 1)]),
        case("a line end between", [hello, "\r\n", hello].concat(), &[kept(200, 5), kept(200, 5)]),
        case("a line end behind", [hello, "\r\n"].concat(), &[kept(200, 5)]),
        case("a line end behind each", [hello, "\r\n"].concat().repeat(16), &many),
        case("line ends anew behind each", [hello, &"\r\n".repeat(64)].concat().repeat(16), &many),
        case("line ends to no end", [hello, &"\r\n".repeat(200)].concat(), &[kept(200, 5), Refused("not_http")]),
        case("a CR alone behind", [hello, "\r", hello].concat(), &[kept(200, 5), Refused("not_http")]),
        case("a line end and garbage behind", [hello, "\r\n!"].concat(), &[kept(200, 5), Refused("not_http")]),
        case("too long a body", [hello, "!"].concat(), &[kept(200, 5), Refused("not_http")]),
        case("bytes behind close",
            ["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", hello].concat(), &[last(200, 1),
            kept(200, 5)]),
        case("the last one cut", &hello.repeat(2)[..80], &[kept(200, 5), Cut]),
    ]
}

/// Other protocols, as servers speak them.
fn others() -> Vec<Case> {
    let settings = b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff";
    let goaway = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01";
    vec![
        case("a TLS alert", b"\x15\x03\x01\0\x02\x02\x46", &[Refused("tls_alert")]),
        case("a TLS record", b"\x16\x03\x03\0\x7a\x02\0\0\x76", &[Refused("tls_record")]),
        case("what is nearly TLS", b"\x15\x03\x33", &[Refused("not_http")]),
        case("settings of HTTP/2", [settings.as_slice(), goaway].concat(), &[Refused("http2")]),
        case("a farewell of HTTP/2", goaway, &[Refused("http2")]),
        case("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[Refused("http2")]),
        case("what is nearly HTTP/2", b"\0\0\x12\x05\0\0\0\0\0", &[Refused("not_http")]),
        case("too little to tell", b"\x15\x03", &[Refused("not_http")]),
        case("TLS behind an empty line", b"\r\n\x15\x03\x01", &[Refused("tls_alert")]),
    ]
}
