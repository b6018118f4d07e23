"""Hello World! by Falcon: a resource with a method for each of HTTP's. Its ASGI flavour, under any such server."""

import falcon
import falcon.asgi


class Hello:
    async def on_get(self, request, response):
        response.content_type = falcon.MEDIA_TEXT
        response.text = "Hello World!"


app = falcon.asgi.App()
app.add_route("/", Hello())
