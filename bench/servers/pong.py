"""What the raw-socket servers say: HTTP/1.0 without a framework, and then they close."""

import argparse

ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nPong!"

# The study's own form announces five bytes and sends seven.
WIRE = ANSWER + b"\r\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wire", action="store_true", help="two bytes more than announced, as in the study")
    parser.add_argument("--read", action="store_true", help="read the request before answering; the study did not")
    parser.add_argument("--backlog", type=int, default=500, help="connections waiting to be accepted (the study: 5)")
