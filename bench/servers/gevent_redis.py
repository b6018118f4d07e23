"""gevent and Flask ask Redis for one key: by redis-py on patched sockets, or on the standard library's."""

import sys

if "--sync" not in sys.argv:  # before anything else is imported
    from gevent import monkey

    monkey.patch_all()

from flask import Flask, request
from redis import Redis

from gevent_serving import serve
from serving import arguments

parser = arguments(__doc__)
parser.add_argument("--backend", required=True, help="redis://HOST:PORT")
parser.add_argument("--sync", action="store_true", help="block every greenlet while Redis is asked")
args = parser.parse_args()

app = Flask(__name__)
store = Redis.from_url(args.backend)
store.set("key", "Hello World!")


@app.get("/")
def get():
    return store.get("key") or "none"


@app.post("/")
def put():
    store.set("key", request.get_data())
    return "set"


@app.delete("/")
def delete():
    store.delete("key")
    return "deleted"


serve(app, args.host, args.port, nodelay=True)
