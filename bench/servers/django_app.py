"""Hello World! by Django in one file: a view, a route, the least settings. Under any WSGI server.

Of its usual middleware only the one that states how long the answer is; without it answers are chunked."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)


def hello(request):
    return HttpResponse("Hello World!", content_type="text/plain")


urlpatterns = [path("", hello)]
app = get_wsgi_application()
