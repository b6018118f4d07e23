"""Hello World! as WSGI's specification (PEP 3333) writes it: for every server of that interface."""

BODY = b"Hello World!"


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]
