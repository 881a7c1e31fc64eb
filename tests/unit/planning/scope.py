"""What the templates of tests can refer to."""

from __future__ import annotations

from soop_components.planning.marks import node_mark, secret_mark
from soop_components.planning.place import Place

FILE = Place("file")
SCOPE: dict[str, object] = {
    "config": {"port": 8080, "title": 'it\'s "$5" \\ `x`', "on": True, "none": None, "secret": secret_mark("secret")},
    "nodes": {"web": [{"name": "web-1"}, {"name": "web-2"}]},
    "node": {"name": node_mark("name"), "role": "web"},
    "list": [3, 1, 2],
    "map": {"b": 1, "a": 2},
}
