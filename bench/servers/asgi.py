"""Hello World! as ASGI's specification writes it: for every server of that interface.

A kind of scope that an application does not know it refuses by an exception: servers then leave out lifespan events.
"""

BODY = b"Hello World!"
HEADERS = [(b"content-type", b"text/plain"), (b"content-length", str(len(BODY)).encode())]


async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
