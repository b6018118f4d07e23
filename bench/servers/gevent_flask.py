"""Flask under gevent's WSGI server."""

from gevent.pywsgi import WSGIServer

from hello_flask import app
from serving import arguments, listener

parser = arguments(__doc__)
parser.add_argument("--nodelay", action="store_true", help="do not hold back the body until the head is acknowledged")
args = parser.parse_args()

WSGIServer(listener(args.host, args.port, nodelay=args.nodelay), app, log=None).serve_forever()
