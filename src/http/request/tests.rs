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
        ("POST", Some(("content-length", "7")), "abc", Some("content-length: 7")),
        ("POST", Some(("Content-Length", "")), "abc", None),
        ("POST", Some(("Transfer-Encoding", "chunked")), "0\r\n\r\n", None),
    ] {
        let headers = pairs(header.as_slice());
        let body = body.as_bytes();
        let (text, _) = encoded(&RequestSpec { method, headers: &headers, body, ..GET });
        let found = text.lines().find(|line| line.to_lowercase().starts_with("content-length"));
        assert_eq!(found, expected, "{method}");
        assert!(text.as_bytes().ends_with(body));
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
