"""gevent's WSGI server, as it comes or on sockets that hold nothing back."""

from gevent import socket
from gevent.pywsgi import WSGIServer


def serve(app, host: str, port: int, nodelay: bool) -> None:
    """Head and body are written apart: with Nagle's algorithm the body waits until the client has acknowledged the
    head. What is accepted inherits TCP_NODELAY from the socket that listens."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay)
    listener.bind((host, port))
    listener.listen(512)
    WSGIServer(listener, app, log=None, error_log=None).serve_forever()
