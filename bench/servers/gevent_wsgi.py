"""A bare WSGI function under gevent's WSGI server."""

from gevent.pywsgi import WSGIServer

from serving import arguments, listener

parser = arguments(__doc__)
parser.add_argument("--nodelay", action="store_true", help="do not hold back the body until the head is acknowledged")
args = parser.parse_args()


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "12")])
    return [b"Hello World!"]


WSGIServer(listener(args.host, args.port, nodelay=args.nodelay), application, log=None).serve_forever()
