"""Tornado by itself: what Flask costs is the difference."""

import asyncio

from tornado.web import Application, RequestHandler

from serving import arguments


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("Hello World!")


async def main() -> None:
    args = arguments(__doc__).parse_args()
    Application([("/", Hello)]).listen(args.port, args.host)
    await asyncio.Event().wait()


asyncio.run(main())
