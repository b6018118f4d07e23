"""Hello World! by FastAPI: a coroutine under a route, answered as plain text and not as JSON. Under any ASGI server."""

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI()


@app.get("/", response_class=PlainTextResponse)
async def hello():
    return "Hello World!"
