use super::*;

const GET: RequestSpec<'_> =
    RequestSpec { method: "GET", authority: "example.org:8080", path: "/a?b=c", headers: &[], body: b"" };

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    headers.iter().map(owned).collect()
}

/// Both spellings as text, with `{agent}` for the default user agent.
fn encoded(spec: &RequestSpec<'_>) -> (String, String) {
    let request = Request::encode(spec).expect("a valid request");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(USER_AGENT, "{agent}");
    (text(request.keep_alive()), text(request.closing()))
}

#[test]
fn defaults_and_their_replacement() {
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[], "Host: example.org:8080\r\nUser-Agent: {agent}\r\n"),
        (&[("Accept", "*/*"), ("HOST", "other")], "HOST: other\r\nUser-Agent: {agent}\r\nAccept: */*\r\n"),
        (
            &[("Cookie", "a=1"), ("user-agent", "curl"), ("Cookie", "b=2")],
            "Host: example.org:8080\r\nuser-agent: curl\r\nCookie: a=1\r\nCookie: b=2\r\n",
        ),
        (&[("User-Agent", ""), ("X-None", " ")], "Host: example.org:8080\r\n"),
        (&[("User-Agent", ""), ("User-Agent", "x")], "Host: example.org:8080\r\nUser-Agent: x\r\n"),
    ];
    for (headers, expected) in table {
        let headers = pairs(headers);
        let (keep_alive, closing) = encoded(&RequestSpec { headers: &headers, ..GET });
        assert_eq!(keep_alive, format!("GET /a?b=c HTTP/1.1\r\n{expected}\r\n"));
        assert_eq!(closing, format!("GET /a?b=c HTTP/1.1\r\n{expected}Connection: close\r\n\r\n"));
    }
}

#[test]
fn lengths_are_announced_where_a_body_is_expected() {
    for (method, header, body, expected) in [
        ("GET", None, "", None),
        ("GET", None, "abc", Some("Content-Length: 3")),
        ("POST", None, "", Some("Content-Length: 0")),
        ("PUT", None, "", Some("Content-Length: 0")),
        ("PATCH", None, "", Some("Content-Length: 0")),
        ("DELETE", None, "", None),
        ("POST", Some(("content-length", "3")), "abc", Some("content-length: 3")),
        ("GET", Some(("Content-Length", "003")), "abc", Some("content-length: 003")),
        ("GET", Some(("Content-Length", "0")), "", Some("content-length: 0")),
        ("POST", Some(("Content-Length", "")), "", None),
        ("POST", Some(("Transfer-Encoding", "")), "abc", Some("content-length: 3")),
    ] {
        let headers = pairs(header.as_slice());
        let body = body.as_bytes();
        let (text, _) = encoded(&RequestSpec { method, headers: &headers, body, ..GET });
        let found = text.lines().map(str::to_lowercase).find(|line| line.starts_with("content-length"));
        assert_eq!(found, expected.map(str::to_lowercase), "{method}");
        assert!(text.as_bytes().ends_with(body));
    }
}

#[test]
fn chunked_bodies_are_sent_in_chunks_that_read_back() {
    use crate::protocol::h1::response::whole;
    let headers = pairs(&[("transfer-encoding", "Chunked"), ("Content-Length", "")]);
    for length in [0, 1, 15, 16, MAX_CHUNK - 1, MAX_CHUNK, MAX_CHUNK + 1, 3 * MAX_CHUNK + 7] {
        let body: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let request = Request::encode(&RequestSpec { method: "POST", headers: &headers, body: &body, ..GET });
        let request = request.expect("valid");
        for bytes in [request.keep_alive(), request.closing()] {
            let head = memchr::memmem::find(bytes, b"\r\n\r\n").expect("a head") + 4;
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            assert!(text.contains("\r\ntransfer-encoding: chunked\r\n"), "{text}");
            assert!(!text.contains("content-length"), "{text}");
            // A response's body is framed in the same way.
            let response = [b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", &bytes[head..]].concat();
            assert_eq!(whole::body(&response, length as u64), Some(body.clone()), "{length}");
        }
    }
    let encoded = encoded(&RequestSpec { headers: &headers, body: b"hello", ..GET }).0;
    assert!(encoded.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{encoded}");
}

#[test]
fn framing_that_contradicts_the_body_is_refused() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
    let table: &[Case<'_>] = &[
        (
            &[("Content-Length", "3")],
            "hello",
            "the length of the body, here 5, and is sent without being asked for; given: \"3\"",
        ),
        (&[("content-length", "+5")], "hello", "given: \"+5\""),
        (&[("Content-Length", "5, 5")], "hello", "given: \"5, 5\""),
        (&[("Content-Length", "5"), ("Content-Length", "5")], "hello", "given: \"5, 5\""),
        (&[("Content-Length", "99999999999999999999999")], "hello", "here 5"),
        (&[("Content-Length", "7")], "", "and there is none: leave it out; given: \"7\""),
        (&[("Content-Length", "")], "hello", "given: 5 bytes and an empty Content-Length"),
        (&[("Transfer-Encoding", "gzip")], "hello", "can only be chunked: no other coding is applied; given: \"gzip\""),
        (&[("transfer-encoding", "gzip, chunked")], "hello", "given: \"gzip, chunked\""),
        (&[("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], "x", "given: \"chunked, chunked\""),
        (&[("Transfer-Encoding", "chunked"), ("Content-Length", "5")], "hello", "never both"),
    ];
    for (headers, body, named) in table {
        let headers = pairs(headers);
        let spec = RequestSpec { method: "POST", headers: &headers, body: body.as_bytes(), ..GET };
        let message = Request::encode(&spec).expect_err("must be refused").to_string();
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn who_asks_to_close_always_closes() {
    for (headers, expected) in [
        (pairs(&[]), false),
        (pairs(&[("Connection", "close")]), true),
        (pairs(&[("connection", "TE, Close")]), true),
        (pairs(&[("Connection", "TE"), ("CONNECTION", "close")]), true),
        (pairs(&[("Connection", "keep-alive")]), false),
        (pairs(&[("Connection", "closed")]), false),
        (pairs(&[("X-Connection", "close")]), false),
    ] {
        let request = Request::encode(&RequestSpec { headers: &headers, ..GET }).expect("valid");
        assert_eq!(request.always_closes(), expected, "{headers:?}");
    }
}

#[test]
fn closing_says_close_once() {
    for (value, keep_alive_lines, closing_lines) in [
        ("close", vec!["Connection: close"], vec!["Connection: close"]),
        ("TE, Close", vec!["Connection: TE, Close"], vec!["Connection: TE, Close"]),
        ("Keep-Alive", vec!["Connection: Keep-Alive"], vec!["Connection: close"]),
        ("TE", vec!["Connection: TE"], vec!["Connection: TE", "Connection: close"]),
        ("", vec![], vec!["Connection: close"]),
    ] {
        let headers = pairs(&[("Connection", value)]);
        let (keep_alive, closing) = encoded(&RequestSpec { headers: &headers, ..GET });
        for (text, expected) in [(keep_alive, keep_alive_lines), (closing, closing_lines)] {
            let found: Vec<_> = text.lines().filter(|l| l.starts_with("Connection")).collect();
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn only_head_is_head_only() {
    for (method, expected) in [("HEAD", true), ("GET", false), ("head", false)] {
        let request = Request::encode(&RequestSpec { method, ..GET }).expect("valid");
        assert_eq!(request.head_only(), expected);
    }
}

#[test]
fn broken_rules_are_named_with_what_was_given() {
    let bad_name = pairs(&[("X Y", "1")]);
    let bad_value = pairs(&[("X", "1\r\nEvil: 2")]);
    let nul = pairs(&[("X", "\0")]);
    let table = [
        (RequestSpec { method: "", ..GET }, "\"\""),
        (RequestSpec { method: "GE T", ..GET }, "\"GE T\""),
        (RequestSpec { method: "CONNECT", ..GET }, "CONNECT"),
        (RequestSpec { authority: "", ..GET }, "host"),
        (RequestSpec { authority: "a\r\nb", ..GET }, "\"a\\r\\nb\""),
        (RequestSpec { path: "", ..GET }, "path"),
        (RequestSpec { path: "a", ..GET }, "\"a\""),
        (RequestSpec { path: "/a b", ..GET }, "\"/a b\""),
        (RequestSpec { path: "/\x7f", ..GET }, "\"/\\u{7f}\""),
        (RequestSpec { path: "*", ..GET }, "\"*\""),
        (RequestSpec { headers: &bad_name, ..GET }, "\"X Y\""),
        (RequestSpec { headers: &bad_value, ..GET }, "given for X"),
        (RequestSpec { headers: &nul, ..GET }, "NUL"),
    ];
    for (spec, named) in table {
        let message = Request::encode(&spec).expect_err("must be refused").to_string();
        assert!(message.contains(named), "{message}");
    }
    let options = RequestSpec { method: "OPTIONS", path: "*", ..GET };
    assert!(Request::encode(&options).is_ok());
}
