"""Flask in Tornado's WSGI container."""

import asyncio

from tornado.httpserver import HTTPServer
from tornado.wsgi import WSGIContainer

from hello_flask import app
from serving import arguments


async def main() -> None:
    args = arguments(__doc__).parse_args()
    HTTPServer(WSGIContainer(app)).listen(args.port, args.host)
    await asyncio.Event().wait()


asyncio.run(main())
