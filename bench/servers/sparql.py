"""The study's three questions to Virtuoso, as HTTP requests, and the answers made of what comes back."""

import json
from urllib.parse import urlencode
from uuid import uuid4

GRAPH = "http://example.org/classes"
OWL = "PREFIX owl: <http://www.w3.org/2002/07/owl#> "
SELECT = OWL + f"select distinct ?class from <{GRAPH}> {{?class a owl:Class}} LIMIT 100"
DELETE = OWL + f"DELETE {{GRAPH <{GRAPH}> {{?class a owl:Class}}}} WHERE {{GRAPH <{GRAPH}> {{?class a owl:Class}}}}"

JSON = {"Accept": "application/sparql-results+json"}
FORM = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}

# Virtuoso says how many triples it took away, which depends on what came before: that stays out of the answer.
DONE = json.dumps({"done": True}, indent=4)


def insert() -> str:
    return OWL + f"INSERT DATA {{GRAPH <{GRAPH}> {{<http://uri-{uuid4()}> a owl:Class}}}}"


def select_path() -> str:
    return "/sparql?" + urlencode({"query": SELECT})


def update_body(update: str) -> str:
    return urlencode({"query": update})


def pretty(answer) -> str:
    return json.dumps(json.loads(answer), indent=4)
