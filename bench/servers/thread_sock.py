"""A thread for each connection; the study's own answered nothing."""

from socketserver import StreamRequestHandler, ThreadingTCPServer

import pong
from serving import arguments


class Handler(StreamRequestHandler):
    def handle(self) -> None:
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        self.wfile.write(pong.ANSWER)


class Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 500

    def handle_error(self, request, client_address) -> None:
        """A client that is gone is no news."""


args = arguments(__doc__).parse_args()
with Server((args.host, args.port), Handler) as server:
    server.serve_forever()
