"""Answers as Virtuoso does, after a fixed time: for what is about the way to a backend, not about the backend."""

import argparse
import asyncio
import json

BODY = json.dumps(
    {
        "head": {"link": [], "vars": ["class"]},
        "results": {
            "distinct": False,
            "ordered": True,
            "bindings": [{"class": {"type": "uri", "value": "http://dummyClass.com"}}],
        },
    }
).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/sparql-results+json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=5)
    args = parser.parse_args()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(args.delay_ms / 1e3)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, args.host, args.port, backlog=512)
    await server.serve_forever()


asyncio.run(main())
