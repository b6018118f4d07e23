"""Hello World! by Tornado's own server: `tornado_app.py HOST PORT`. Its documents' form since asyncio: listen, then wait."""

import asyncio
import logging
import sys

from tornado.web import Application, RequestHandler


class Hello(RequestHandler):
    def get(self):
        self.set_header("Content-Type", "text/plain")
        self.write("Hello World!")


async def main(host, port):
    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    Application([("/", Hello)]).listen(port, host)
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
