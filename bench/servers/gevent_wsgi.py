"""A bare WSGI function under gevent's WSGI server."""

from gevent_serving import serve
from serving import arguments


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "12")])
    return [b"Hello World!"]


parser = arguments(__doc__)
parser.add_argument("--nodelay", action="store_true", help="hold no body back")
args = parser.parse_args()
serve(application, args.host, args.port, args.nodelay)
