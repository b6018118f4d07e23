"""Tornado asks Redis for one key: by redis.asyncio, or by redis-py, which stops the loop meanwhile."""

import asyncio
from inspect import isawaitable

import redis
import redis.asyncio
from tornado.web import Application, RequestHandler

from serving import arguments


async def finished(answer):
    return await answer if isawaitable(answer) else answer


class Key(RequestHandler):
    def initialize(self, store) -> None:
        self.store = store

    async def get(self) -> None:
        self.write(await finished(self.store.get("key")) or "none")

    async def post(self) -> None:
        await finished(self.store.set("key", self.request.body))
        self.write("set")

    async def delete(self) -> None:
        await finished(self.store.delete("key"))
        self.write("deleted")


async def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--backend", required=True, help="redis://HOST:PORT")
    parser.add_argument("--sync", action="store_true")
    args = parser.parse_args()
    store = (redis if args.sync else redis.asyncio).from_url(args.backend)
    await finished(store.set("key", "Hello World!"))
    Application([("/", Key, {"store": store})]).listen(args.port, args.host)
    await asyncio.Event().wait()


asyncio.run(main())
