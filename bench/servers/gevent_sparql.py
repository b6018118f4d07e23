"""gevent and Flask ask Virtuoso, by one of four clients.

requests   as in the study: a new connection for each request
alternate  as in the study: geventhttpclient under httplib2, which connects by the standard library and so stops
           every other greenlet meanwhile
patched    the same with the standard library patched
pool       geventhttpclient's own client, which keeps its connections
"""

import argparse
import sys

CLIENTS = ("requests", "alternate", "patched", "pool")

if sys.argv[-1] in ("requests", "patched"):  # before anything else is imported
    from gevent import monkey

    monkey.patch_all()

from flask import Flask, Response

import sparql
from gevent_serving import serve
from serving import arguments


def by_requests(base: str):
    import requests

    def ask(method: str, path: str, headers: dict, body=None) -> str:
        answer = requests.request(method, base + path, headers=headers, data=body)
        answer.raise_for_status()
        return answer.text

    return ask


def by_httplib2(base: str):
    from geventhttpclient.httplib2 import Http

    http = Http(concurrency=50)

    def ask(method: str, path: str, headers: dict, body=None) -> str:
        answer, content = http.request(base + path, method, body=body, headers=headers)
        if answer.status != 200:
            raise OSError(f"the backend answered with status {answer.status}")
        return content.decode()

    return ask


def by_pool(base: str):
    from geventhttpclient import HTTPClient

    client = HTTPClient.from_url(base, concurrency=50)

    def ask(method: str, path: str, headers: dict, body="") -> str:
        answer = client.request(method, path, body=body, headers=headers)
        content = answer.read()
        if answer.status_code != 200:
            raise OSError(f"the backend answered with status {answer.status_code}")
        return content.decode()

    return ask


def make_app(ask) -> Flask:
    app = Flask(__name__)

    def reply(text: str) -> Response:
        return Response(text, content_type="application/json")

    def update(text: str) -> Response:
        ask("POST", "/sparql", sparql.FORM, sparql.update_body(text))
        return reply(sparql.DONE)

    @app.get("/")
    def select():
        return reply(sparql.pretty(ask("GET", sparql.select_path(), sparql.JSON)))

    @app.post("/")
    def insert():
        return update(sparql.insert())

    @app.delete("/")
    def delete():
        return update(sparql.DELETE)

    return app


def main() -> None:
    parser = arguments(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--backend", required=True, help="HOST:PORT")
    parser.add_argument("client", choices=CLIENTS, help="last of all")
    args = parser.parse_args()
    ask = {"requests": by_requests, "pool": by_pool}.get(args.client, by_httplib2)(f"http://{args.backend}")
    serve(make_app(ask), args.host, args.port, nodelay=True)


main()
