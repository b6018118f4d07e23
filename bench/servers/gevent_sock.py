"""gevent's sockets without a framework."""

from gevent.server import StreamServer

import pong
from serving import arguments

parser = arguments(__doc__)
pong.add_arguments(parser)
args = parser.parse_args()
answer = pong.WIRE if args.wire else pong.ANSWER


def handle(socket, address) -> None:
    """The server closes the socket afterwards."""
    try:
        if args.read:
            with socket.makefile("rb") as lines:
                while lines.readline() not in (b"\r\n", b""):
                    pass
        socket.sendall(answer)
    except ConnectionError:
        pass


StreamServer((args.host, args.port), handle, backlog=args.backlog).serve_forever()
