"""Hello World! by twisted.web: `twisted_app.py HOST PORT`. A leaf of the resource tree, on the reactor it chooses (epoll)."""

import sys

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request):
        request.setHeader(b"content-type", b"text/plain")
        return b"Hello World!"


host, port = sys.argv[1], int(sys.argv[2])
reactor.listenTCP(port, Site(Hello()), backlog=1024, interface=host)
reactor.run()
