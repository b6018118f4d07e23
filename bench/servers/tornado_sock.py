"""Tornado's IOStream without a framework."""

import asyncio

from tornado.iostream import StreamClosedError
from tornado.tcpserver import TCPServer

import pong
from serving import arguments


class Pong(TCPServer):
    def __init__(self, answer: bytes, read: bool) -> None:
        super().__init__()
        self.answer, self.read = answer, read

    async def handle_stream(self, stream, address) -> None:
        try:
            if self.read:
                await stream.read_until(b"\r\n\r\n")
            await stream.write(self.answer)
        except StreamClosedError:
            pass
        stream.close()


async def main() -> None:
    parser = arguments(__doc__)
    pong.add_arguments(parser)
    args = parser.parse_args()
    server = Pong(pong.WIRE if args.wire else pong.ANSWER, args.read)
    server.listen(args.port, args.host, backlog=args.backlog)
    await asyncio.Event().wait()


asyncio.run(main())
