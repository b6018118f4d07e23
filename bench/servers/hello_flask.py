"""Hello World! in Flask, for every WSGI server alike."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return "Hello World!"
