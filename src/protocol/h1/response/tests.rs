//! What cannot be seen from outside: how much work is done and memory held. Framing itself is in tests/framing.

use super::heads::Work;
use super::*;

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const HELLO_ANSWER: Answer = Answer { status: 200, body_bytes: 5, keep_alive: true };

/// A head of exactly `bytes` bytes.
fn head_of(bytes: usize) -> Vec<u8> {
    let mut head = b"HTTP/1.1 204 No Content\r\nX: ".to_vec();
    head.resize(bytes - 4, b'x');
    head.extend_from_slice(b"\r\n\r\n");
    head
}

fn feed_bytewise(parser: &mut Parser, heads: &mut Heads, bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for byte in bytes {
        match parser.feed(std::slice::from_ref(byte), heads) {
            (1, Step::Partial) => {}
            (1, Step::Whole(answer)) => answers.push(answer),
            other => panic!("{other:?}"),
        }
    }
    answers
}

#[test]
fn a_parser_is_small() {
    assert!(size_of::<Parser>() <= 48, "{}", size_of::<Parser>());
}

#[test]
fn a_head_arriving_byte_by_byte_is_scanned_and_parsed_once() {
    let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
    let head = head_of(head::MAX_HEAD);
    let answers = feed_bytewise(&mut parser, &mut heads, &head);
    assert_eq!(answers.len(), 1);
    assert_eq!(heads.work, Work { scanned: head.len(), parsed: 1 });
}

#[test]
fn the_same_head_is_not_parsed_again() {
    let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
    for _ in 0..3 {
        assert_eq!(parser.feed(HELLO, &mut heads), (HELLO.len(), Step::Whole(HELLO_ANSWER)));
    }
    assert_eq!(feed_bytewise(&mut parser, &mut heads, HELLO), [HELLO_ANSWER]);
    assert_eq!(heads.work.parsed, 1);
}

#[test]
fn every_byte_of_a_remembered_head_counts() {
    let head = HELLO.len() - 5;
    for at in 0..head {
        let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
        let _ = parser.feed(HELLO, &mut heads);
        let mut other = HELLO.to_vec();
        other[at] ^= 1;
        let remembering = parser.feed(&other, &mut heads).1;
        let fresh = Parser::default().feed(&other, &mut Heads::of_one(false)).1;
        assert_eq!(remembering, fresh, "byte {at}");
        let not_recalled = heads.work.parsed == 2 || matches!(fresh, Step::Refused(_));
        assert!(not_recalled || fresh == Step::Partial, "byte {at}");
    }
}

#[test]
fn long_heads_are_not_remembered() {
    let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
    for length in [4096, 4096, 4097, 4097] {
        assert_eq!(parser.feed(&head_of(length), &mut heads).0, length);
    }
    assert_eq!(heads.work.parsed, 3);
}

#[test]
fn spill_buffers_are_reused_and_given_back() {
    let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
    for cut in 1..HELLO.len() - 5 {
        let _ = parser.feed(&HELLO[..cut], &mut heads);
        assert_eq!(heads.spare().0, 0, "in use");
        let _ = parser.feed(&HELLO[cut..], &mut heads);
        assert_eq!(heads.spare().0, 1, "back");
    }
    let _ = parser.feed(&HELLO[..9], &mut heads);
    parser.reset(&mut heads);
    assert_eq!(heads.spare().0, 1, "back after a reset");
    let _ = parser.feed(b"HTTP/1.1 2", &mut heads);
    let _ = parser.feed(b"x", &mut heads);
    assert_eq!(heads.spare().0, 1, "back after a refusal");
    assert!(!parser.is_idle());
}

#[test]
fn spare_buffers_are_bounded() {
    let mut heads = Heads::of_one(false);
    let mut parsers: Vec<_> = (0..64).map(|_| Parser::default()).collect();
    let most = &head_of(60_000)[..59_000];
    for parser in &mut parsers {
        let _ = parser.feed(most, &mut heads);
    }
    for parser in &mut parsers {
        parser.reset(&mut heads);
    }
    let (buffers, bytes) = heads.spare();
    assert!(buffers > 0);
    assert!(bytes <= 1024 * 1024, "{bytes}");
}

#[test]
fn idle_until_a_byte_is_seen() {
    let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
    assert_eq!(parser.feed(b"", &mut heads), (0, Step::Partial));
    assert!(parser.is_idle());
    assert_eq!(parser.end(&mut heads), Step::Partial);
    let beginnings: [&[u8]; 4] = [b"H", b"\r\nH", b"HTTP/1.1 100 \r\n\r\n", HELLO.split_at(40).0];
    for beginning in beginnings {
        assert_eq!(parser.feed(beginning, &mut heads).1, Step::Partial);
        assert!(!parser.is_idle());
        assert_eq!(parser.end(&mut heads), Step::Partial, "cut");
        parser.reset(&mut heads);
        assert!(parser.is_idle());
    }
    let _ = parser.feed(HELLO, &mut heads);
    assert!(parser.is_idle());
    for line_ends in ["\r", "\n\r\n"] {
        assert_eq!(parser.feed(line_ends.as_bytes(), &mut heads).1, Step::Partial);
        assert!(parser.is_idle(), "line ends are nothing");
    }
    assert_eq!(parser.feed(HELLO, &mut heads).1, Step::Whole(HELLO_ANSWER));
}

#[test]
fn line_ends_are_skipped_while_nothing_is_awaited_wherever_reads_end() {
    let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
    let most = usize::from(MAX_LINE_ENDS);
    let skips: [(&str, usize); 6] = [("", 0), ("\r", 1), ("\n\n", 2), ("\r\nx", 2), ("\r\r", 1), ("\n", 1)];
    for (bytes, skipped) in skips {
        assert_eq!(parser.skip_line_ends(bytes.as_bytes()), skipped, "{bytes:?}");
        assert!(parser.is_idle());
    }
    assert_eq!(parser.skip_line_ends(&[b'\n'; 200]), most - 7, "of all reads together");
    assert_eq!(parser.feed(HELLO, &mut heads).1, Step::Whole(HELLO_ANSWER));
    assert_eq!(parser.skip_line_ends(&[b'\n'; 200]), most, "anew behind each answer");
    // What was skipped counts when an answer is awaited again.
    assert_eq!(parser.feed(b"\n", &mut heads).1, Step::Refused(ProtocolError::NotHttp));
    assert!(parser.refused_stray_bytes());
    parser.reset(&mut heads);
    assert_eq!(parser.skip_line_ends(b"\r"), 1);
    let split = [b"\n".as_slice(), HELLO].concat();
    assert_eq!(parser.feed(&split, &mut heads), (split.len(), Step::Whole(HELLO_ANSWER)));
    let _ = parser.feed(b"HTT", &mut heads);
    assert_eq!(parser.skip_line_ends(b"\r\n"), 0, "within a head they are none of these");
}

#[test]
fn stray_bytes_are_told_from_answers_gone_wrong() {
    for (bytes, stray) in [
        ("220", true),
        ("\r\n220", true),
        ("\rx", true),
        ("\u{15}\u{3}\u{1}", true),
        ("\0x", true),
        ("HTML", false),
        ("\r\nHTML", false),
        ("HTTP/1.1 100 \r\n\r\n220", false),
        ("HTTP/1.1 100 \r\n\r\n\u{15}\u{3}\u{1}", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false),
    ] {
        let mut heads = Heads::of_one(false);
        for cut in 0..bytes.len() {
            let mut parser = Parser::default();
            let (first, second) = bytes.as_bytes().split_at(cut);
            let (_, step) = parser.feed(first, &mut heads);
            if step == Step::Partial {
                assert!(matches!(parser.feed(second, &mut heads).1, Step::Refused(_)), "{bytes:?}");
            }
            assert_eq!(parser.refused_stray_bytes(), stray, "{bytes:?} at {cut}");
        }
    }
}

#[test]
fn who_speaks_another_protocol_before_it_is_asked_is_named_when_it_is() {
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
    for cut in 0..settings.len() {
        let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
        let (first, second) = settings.split_at(cut);
        assert_eq!(parser.meets_other_protocol(first, &mut heads), cut > 0);
        assert!(parser.meets_other_protocol(second, &mut heads), "at {cut}");
        assert_eq!(parser.refusal(), Some(ProtocolError::Http2));
        assert_eq!(parser.feed(HELLO, &mut heads).1, Step::Refused(ProtocolError::Http2));
        assert_eq!(parser.end(&mut heads), Step::Refused(ProtocolError::Http2));
    }
    for other in ["220 ready", "HTTP/1.1 200 OK", "\0\0\u{5}\u{4}", "P!"] {
        let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
        assert!(!parser.meets_other_protocol(other.as_bytes(), &mut heads), "{other:?}");
    }
}

#[test]
fn an_answer_that_says_that_the_port_is_for_tls_is_seen_at_every_split() {
    let says = "<center>The plain HTTP request was sent to HTTPS port</center>\r\n";
    let (length, size) = (says.len(), format!("{:x}", says.len()));
    let head = "HTTP/1.1 400 Bad Request\r\n";
    let answers = [
        (format!("{head}Content-Length: {length}\r\n\r\n{says}"), true),
        (format!("{head}Transfer-Encoding: chunked\r\n\r\n{size}\r\n{says}\r\n0\r\n\r\n"), true),
        ("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n".to_owned(), true),
        (format!("{head}Content-Length: {}\r\n\r\n{says}", length + 1), true),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{says}"), false),
        (format!("{head}Content-Length: 5\r\n\r\nHello"), false),
        (format!("{head}Content-Length: {}\r\n\r\n{}{says}", length + 1024, "x".repeat(1024)), false),
    ];
    for (answer, expected) in answers {
        for cut in 0..answer.len() {
            let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
            for part in [&answer[..cut], &answer[cut..]] {
                let _ = parser.feed(part.as_bytes(), &mut heads);
            }
            let _ = parser.end(&mut heads);
            parser.reset(&mut heads);
            assert_eq!(heads.saw_tls_port(), expected, "{answer} at {cut}");
        }
    }
}

#[test]
fn few_answers_are_looked_at_one_at_a_time() {
    let says = "HTTP/1.1 400 No\r\nContent-Length: 49\r\n\r\nspeaking plain HTTP to an SSL-enabled server port";
    let mut heads = Heads::of_one(false);
    let (mut one, mut other) = (Parser::default(), Parser::default());
    let _ = one.feed(b"HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\nHell", &mut heads);
    let _ = other.feed(says.as_bytes(), &mut heads);
    assert!(!heads.saw_tls_port(), "while another is looked at");
    one.reset(&mut heads);
    for number in 0..10 {
        let refusal = format!("HTTP/1.1 400 Bad\r\nX: {number}\r\nContent-Length: 2\r\n\r\nno");
        let _ = one.feed(refusal.as_bytes(), &mut heads);
    }
    let _ = other.feed(says.replace("No", "Never").as_bytes(), &mut heads);
    assert!(!heads.saw_tls_port(), "after so many");
}

#[test]
fn a_refusal_stays_until_the_reset() {
    let (mut parser, mut heads) = (Parser::default(), Heads::of_one(false));
    let refused = Step::Refused(ProtocolError::NotHttp);
    assert_eq!(parser.feed(b"garbage", &mut heads), (7, refused));
    assert_eq!(parser.feed(HELLO, &mut heads), (HELLO.len(), refused));
    assert_eq!(parser.end(&mut heads), refused);
    parser.reset(&mut heads);
    assert_eq!(parser.feed(HELLO, &mut heads).1, Step::Whole(HELLO_ANSWER));
}
