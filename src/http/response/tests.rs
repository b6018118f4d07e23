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
    let (mut parser, mut heads) = (Parser::default(), Heads::new(false));
    let head = head_of(head::MAX_HEAD);
    let answers = feed_bytewise(&mut parser, &mut heads, &head);
    assert_eq!(answers.len(), 1);
    assert_eq!(heads.work, Work { scanned: head.len(), parsed: 1 });
}

#[test]
fn the_same_head_is_not_parsed_again() {
    let (mut parser, mut heads) = (Parser::default(), Heads::new(false));
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
        let (mut parser, mut heads) = (Parser::default(), Heads::new(false));
        let _ = parser.feed(HELLO, &mut heads);
        let mut other = HELLO.to_vec();
        other[at] ^= 1;
        let remembering = parser.feed(&other, &mut heads).1;
        let fresh = Parser::default().feed(&other, &mut Heads::new(false)).1;
        assert_eq!(remembering, fresh, "byte {at}");
        let not_recalled = heads.work.parsed == 2 || matches!(fresh, Step::Refused(_));
        assert!(not_recalled || fresh == Step::Partial, "byte {at}");
    }
}

#[test]
fn long_heads_are_not_remembered() {
    let (mut parser, mut heads) = (Parser::default(), Heads::new(false));
    for length in [4096, 4096, 4097, 4097] {
        assert_eq!(parser.feed(&head_of(length), &mut heads).0, length);
    }
    assert_eq!(heads.work.parsed, 3);
}

#[test]
fn spill_buffers_are_reused_and_given_back() {
    let (mut parser, mut heads) = (Parser::default(), Heads::new(false));
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
    let mut heads = Heads::new(false);
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
    let (mut parser, mut heads) = (Parser::default(), Heads::new(false));
    assert_eq!(parser.feed(b"", &mut heads), (0, Step::Partial));
    assert!(parser.is_idle());
    assert_eq!(parser.end(&mut heads), Step::Partial);
    let beginnings: [&[u8]; 4] = [b"H", b"\r", b"HTTP/1.1 100 \r\n\r\n", HELLO.split_at(40).0];
    for beginning in beginnings {
        assert_eq!(parser.feed(beginning, &mut heads).1, Step::Partial);
        assert!(!parser.is_idle());
        assert_eq!(parser.end(&mut heads), Step::Partial, "cut");
        parser.reset(&mut heads);
        assert!(parser.is_idle());
    }
    let _ = parser.feed(HELLO, &mut heads);
    assert!(parser.is_idle());
}

#[test]
fn a_refusal_stays_until_the_reset() {
    let (mut parser, mut heads) = (Parser::default(), Heads::new(false));
    let refused = Step::Refused(ProtocolError::NotHttp);
    assert_eq!(parser.feed(b"garbage", &mut heads), (7, refused));
    assert_eq!(parser.feed(HELLO, &mut heads), (HELLO.len(), refused));
    assert_eq!(parser.end(&mut heads), refused);
    parser.reset(&mut heads);
    assert_eq!(parser.feed(HELLO, &mut heads).1, Step::Whole(HELLO_ANSWER));
}
