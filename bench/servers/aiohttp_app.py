"""Hello World! by aiohttp's own server: `aiohttp_app.py HOST PORT`. `run_app` is its usual way to serve; no access log."""

import sys

from aiohttp import web


async def hello(request):
    return web.Response(text="Hello World!")


host, port = sys.argv[1], int(sys.argv[2])
app = web.Application()
app.add_routes([web.get("/", hello)])
web.run_app(app, host=host, port=port, access_log=None, print=None)
