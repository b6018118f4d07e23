"""Hello World! by Waitress: `waitress_server.py HOST PORT`. As `waitress-serve` does it, but for its warning of each request
that waits for a thread, which its documents have silenced so."""

import logging
import sys

from waitress import serve

from wsgi import app

logging.getLogger("waitress.queue").setLevel(logging.ERROR)
serve(app, listen=f"{sys.argv[1]}:{sys.argv[2]}")
