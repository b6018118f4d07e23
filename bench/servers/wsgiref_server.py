"""Hello World! by the standard library's WSGI server: `wsgiref_server.py HOST PORT`. One request after the other, HTTP/1.0."""

import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from wsgi import app


class Server(WSGIServer):
    # Its 5 would have the kernel drop connections: what is measured then are retries after a second.
    request_queue_size = 1024


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


host, port = sys.argv[1], int(sys.argv[2])
make_server(host, port, app, Server, Quiet).serve_forever()
