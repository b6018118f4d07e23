"""Tornado asks Virtuoso, by curl's client or its own."""

import asyncio

from tornado.httpclient import AsyncHTTPClient
from tornado.web import Application, RequestHandler

import sparql
from serving import arguments

CLIENTS = {
    "curl": "tornado.curl_httpclient.CurlAsyncHTTPClient",
    "simple": "tornado.simple_httpclient.SimpleAsyncHTTPClient",
}


class Classes(RequestHandler):
    def initialize(self, backend: str, client: AsyncHTTPClient) -> None:
        self.backend, self.client = backend, client

    async def get(self) -> None:
        answer = await self.client.fetch(self.backend + sparql.select_path(), headers=sparql.JSON)
        self.reply(sparql.pretty(answer.body))

    async def post(self) -> None:
        await self.update(sparql.insert())

    async def delete(self) -> None:
        await self.update(sparql.DELETE)

    async def update(self, update: str) -> None:
        body = sparql.update_body(update)
        await self.client.fetch(self.backend + "/sparql", method="POST", headers=sparql.FORM, body=body)
        self.reply(sparql.DONE)

    def reply(self, text: str) -> None:
        self.set_header("Content-Type", "application/json")
        self.write(text)


async def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--backend", required=True, help="HOST:PORT")
    parser.add_argument("--client", choices=CLIENTS, required=True)
    parser.add_argument("--max-clients", type=int, default=10, help="connections to the backend (10, Tornado's own)")
    args = parser.parse_args()
    AsyncHTTPClient.configure(CLIENTS[args.client], max_clients=args.max_clients)
    handler = {"backend": f"http://{args.backend}", "client": AsyncHTTPClient()}
    Application([("/", Classes, handler)]).listen(args.port, args.host)
    await asyncio.Event().wait()


asyncio.run(main())
