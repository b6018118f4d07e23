"""What the servers share: arguments, and sockets that listen as told."""

import argparse
import socket

BACKLOG = 512


def arguments(about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--host", required=True, help="address to listen on")
    parser.add_argument("--port", type=int, required=True)
    return parser


def listener(host: str, port: int, backlog: int = BACKLOG, nodelay: bool = False) -> socket.socket:
    """What is accepted inherits TCP_NODELAY from here."""
    listening = socket.create_server((host, port), backlog=backlog)
    if nodelay:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address(text: str) -> tuple:
    """HOST:PORT, as argparse's type."""
    host, _, port = text.rpartition(":")
    return host, int(port)
