"""A bare WSGI function under gevent's WSGI server."""

from gevent_serving import serve
from serving import arguments
from wsgi import app

parser = arguments(__doc__)
parser.add_argument("--nodelay", action="store_true", help="hold no body back")
args = parser.parse_args()
serve(app, args.host, args.port, args.nodelay)
