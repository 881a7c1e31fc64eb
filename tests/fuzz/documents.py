"""Documents nobody would think of: made after the models, out of the shipped files, and out of nothing."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from soop_components.planning.encodings import ENCODINGS
from soop_components.planning.filters import FILTERS

ODD = (
    "{{ config.port }}", "{{ config.prot }}", "{{ params", "{% for a in range(9999999) %}{% endfor %}",
    "{{ node.name }}", "{{ config.database_password }}", "{{ ''.__class__ }}", "@@soop-secret:x@@", "@@soop-",
    "../..", "/etc/passwd", "a" * 300, "~", "null", "0644", "1e400", "0x", "-", "\u2028", "\x85", "\ud7ff", "\ufeff",
    "\U0001f600", " ", "", "\\", "'", '"', "#", "a: b", "access-service-3.2.3", "access-service", "9" * 200, "web",
    "nodes", "(a{500}){500}", "(?=x)", "512MiB", "&a", "*a", "!!set", "\n", "\r\n", "\t",
)  # fmt: skip
"""Texts that mean something somewhere."""
PIECES = st.sampled_from(
    ["\n", " ", "  ", "\t", ": ", "- ", "{", "}", "[", "]", ",", "'", '"', "#", "|", ">", "&a ", "*a", "!!x ", "---\n",
     "? ", "\r", "\x00", "\ufeff", "%", "{{ ", " }}", "{%", "0", "null", "<<: ", "\u2028", "\x85", "\x07", "=", "~",
     "a: a", "a: {a: "]
)  # fmt: skip

leaves = (
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.integers() | st.floats(allow_nan=False)
    | st.text(max_size=8) | st.sampled_from(ODD)
)  # fmt: skip
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))

names = st.sampled_from(
    ["config.port", "config.database_password", "config", "node.name", "node", "nodes.web", "nodes.web[0].name",
     "nodes", "params", "params.port", "service.version", "services", "loop.index", "x", "1", "0", "-7", "'a'", "''",
     "none", "true", "range(3)", "{}", "[]"]
)  # fmt: skip
OPERATORS = (" ~ ", " + ", " * ", " // ", " == ", " in ", " and ", " if x else ")


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from([*FILTERS, *ENCODINGS])).map(" | ".join),
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"[{pair[0]}, {pair[1]}]"),
        st.tuples(inner, inner).map(lambda pair: f"{{{pair[0]}: {pair[1]}}}"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]})[{pair[1]}]"),
        inner.map(lambda text: f"({text}) | join(',') is defined"),
    )


expressions = st.recursive(names, _larger, max_leaves=6)
templates = st.one_of(
    expressions.map(lambda text: f"{{{{ {text} }}}}"),
    expressions.map(lambda text: f"a {{{{ {text} }}}} b"),
    expressions.map(lambda text: f"{{% for x in {text} %}}{{{{ x }}}}{{% endfor %}}"),
    expressions.map(lambda text: f"{{% if {text} %}}a{{% else %}}b{{% endif %}}"),
)


def documents(model: type[BaseModel], shipped: Sequence[str], wrap: Callable[[Any], Any] = lambda x: x) -> Any:
    """Return a strategy of documents, as bytes; ``wrap`` puts what was made after the model where it belongs."""
    return st.one_of(
        *[_changed_data(text) for text in shipped] * 3,
        *[_changed_text(text) for text in shipped],
        made_after(model).map(wrap).map(written),
        st.binary(max_size=200) | st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()),
    )


def written(data: Any) -> bytes:
    """Write data as YAML, whatever is in it."""
    try:
        return yaml.safe_dump(data, allow_unicode=True, sort_keys=False).encode()
    except (yaml.YAMLError, UnicodeEncodeError):
        return json.dumps(data).encode()


@st.composite
def _changed_data(draw: st.DrawFn, text: str) -> bytes:
    """Change, remove, add or move one to three values of a shipped document."""
    data = yaml.safe_load(text)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(data)
        deep = [place for place in places if not isinstance(place[0][place[1]], dict | list)]
        if not deep:
            break
        holder, key = draw(st.sampled_from(deep) | st.sampled_from(places))
        if key not in (holder if isinstance(holder, dict) else range(len(holder))):
            continue
        match draw(st.sampled_from(["template"] * 3 + ["put", "odd", "remove", "move", "add", "many"])):
            case "template":
                holder[key] = draw(templates)
            case "put":
                holder[key] = draw(trees)
            case "odd":
                holder[key] = draw(st.sampled_from(ODD))
            case "remove":
                del holder[key]
            case "move":
                other, from_key = draw(st.sampled_from(places))
                if from_key in (other if isinstance(other, dict) else range(len(other))):
                    holder[key] = json.loads(json.dumps(other[from_key]))
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(ODD) | st.text(max_size=8))] = draw(trees)
            case _:
                holder[key] = [holder[key]] * draw(st.integers(0, 30))
    return written(json.loads(json.dumps(data)))


def _places(data: Any) -> list[tuple[Any, Any]]:
    """Return every mapping or list with each of its keys."""
    found: list[tuple[Any, Any]] = []
    inside = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    for key, value in inside:
        found += [(data, key), *_places(value)]
    return found


@st.composite
def _changed_text(draw: st.DrawFn, text: str) -> bytes:
    """Change a shipped document as somebody with an editor might, or a disk."""
    for _ in range(draw(st.integers(1, 4))):
        lines = text.splitlines(keepends=True) or [""]
        number = draw(st.integers(0, len(lines) - 1))
        position = draw(st.integers(0, len(text)))
        match draw(st.sampled_from(["insert", "insert", "cut", "line away", "line twice", "indent", "end"])):
            case "insert":
                text = text[:position] + draw(PIECES | st.sampled_from(ODD)) + text[position:]
            case "cut":
                text = text[:position] + text[position + draw(st.integers(1, 20)) :]
            case "line away":
                text = "".join(lines[:number] + lines[number + 1 :])
            case "line twice":
                text = "".join(lines[:number] + [lines[number]] * 2 + lines[number + 1 :])
            case "indent":
                text = "".join([*lines[:number], "  " + lines[number], *lines[number + 1 :]])
            case _:
                text = text[:position]
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    if content and draw(st.integers(0, 9)) == 0:
        content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(content)


def made_after(annotation: Any) -> Any:
    """Return a strategy of values that look as an annotation of the models says, mostly."""
    kind, arguments = get_origin(annotation), get_args(annotation)
    if kind is Annotated:
        pattern = _pattern(arguments[1:])
        return _matching(pattern) if pattern else made_after(arguments[0])
    if kind in (Union, types.UnionType):
        return st.one_of(*[made_after(argument) for argument in arguments])
    if kind is Literal:
        return st.sampled_from(arguments)
    if kind is tuple:
        return st.lists(made_after(arguments[0]), max_size=3)
    if kind is dict:
        return st.dictionaries(made_after(arguments[0]).filter(_is_key), made_after(arguments[1]), max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields(annotation)
    simple = {
        str: st.text(max_size=8) | st.sampled_from(ODD),
        int: st.integers(0, 3) | st.integers(),
        float: st.floats(allow_nan=False),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return simple.get(annotation, trees)


def _is_key(value: object) -> bool:
    return isinstance(value, str)


def _pattern(constraints: Sequence[object]) -> str | None:
    """Return the regular expression among a field's constraints."""
    patterns = (getattr(each, "pattern", None) for each in constraints)
    return next((each for each in patterns if isinstance(each, str)), None)


def _matching(pattern: str) -> Any:
    matching = st.from_regex(re.compile(pattern.replace("$", r"\Z"), re.ASCII))
    return matching | st.sampled_from(["web", "a", "access-service"])


def _fields(model: type[BaseModel]) -> Any:
    needed: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        pattern = _pattern(field.metadata)
        strategy = _matching(pattern) if pattern else st.deferred(lambda found=field.annotation: made_after(found))
        is_needed = field.default is PydanticUndefined and field.is_required()
        (needed if is_needed else optional)[field.alias or name] = strategy
    return st.fixed_dictionaries(needed, optional=optional)
