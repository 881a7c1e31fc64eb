"""The generated parts of ``docs/reference``: tables of keys, and the building blocks of the library.

A page holds ``<!-- keys of service -->`` or ``<!-- library -->``, then what is generated, then ``<!-- end -->``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from soop_components.library import LIBRARY, block_names, load_block
from soop_components.model.block import Parameter
from soop_components.schema.generator import Schema
from soop_components.schema.schemas import SCHEMAS

_GENERATED = re.compile(r"(?<=<!-- )(keys of \w+|library)(?= -->\n).*?(?=<!-- end -->)", re.DOTALL)
_NAMES = {
    "config": "key",
    "soop:secrets": "service",
    "<service>": "key",
    "components": "component",
    "nodes": "role",
    "endpoints": "endpoint",
    "requires": "service",
    "sizes": "size",
    "images": "base",
    "parameters": "parameter",
    "users": "user",
    "units": "unit",
    "directories": "path",
    "files": "path",
    "links": "path",
    "debconf": "question",
}
"""What the keys of a mapping are, by the mapping's own key."""

_WORDS = {
    "object": "mapping",
    "string": "text",
    "['string', 'number']": "text",  # a template
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "None": "anything",
}


class Key(NamedTuple):
    """A key that a file may have."""

    path: str
    schema: Schema
    required: bool


def keys(schema: Schema) -> Iterator[Key]:
    """Yield all keys of the files that a schema describes, in the order of the model."""
    yield from _keys(schema, schema["$defs"], "")


def _keys(schema: Schema, definitions: Schema, path: str) -> Iterator[Key]:
    for name, each in schema.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        yield Key(place, each, name in schema.get("required", ()))
        for inner, suffix in _inside(each, definitions, name):
            yield from _keys(inner, definitions, place + suffix)


def _inside(schema: Schema, definitions: Schema, name: str) -> Iterator[tuple[Schema, str]]:
    """Yield what a value may be made of, with what its path goes on with."""
    if "$ref" in schema:
        yield definitions[schema["$ref"].rsplit("/", 1)[1]], ""
    for each in schema.get("anyOf", ()):
        yield from _inside(each, definitions, name)
    if "properties" in schema:
        yield schema, ""
    if isinstance(schema.get("items"), dict):
        for inner, suffix in _inside(schema["items"], definitions, name):
            yield inner, f"[]{suffix}"
    further = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    for each in (each for each in further if isinstance(each, dict)):
        word = f"<{_NAMES.get(name, 'name')}>"
        for inner, suffix in _inside(each, definitions, word):
            yield inner, f".{word}{suffix}"


def table(schema: Schema) -> str:
    """Return the table of all keys."""
    rows = [
        (
            f"`{path}`",
            _type(each, schema["$defs"]),
            _default(required, each.get("default")),
            each.get("description", ""),
        )
        for path, each, required in keys(schema)
    ]
    return _table("key", rows)


def _table(heading: str, rows: Iterable[Sequence[str]]) -> str:
    cells = [(heading, "value", "default", ""), ("---",) * 4, *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells)


def _default(required: bool, value: object) -> str:
    if required:
        return "required"
    return "" if value in (None, "", [], ()) or isinstance(value, dict) else f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type(schema: Schema, definitions: Schema) -> str:
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{_yaml(value)}`" for value in schema.get("enum", [schema.get("const")]))
    if "$ref" in schema:
        return _type(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in schema:
        kinds = [_type(each, definitions) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        items = schema.get("items") or {}
        of = _type(items, definitions) if items else ""
        return f"list of {f'({of})' if ' or ' in of else of}" if items else "list"
    return _WORDS[str(schema.get("type"))] + _bounds(schema)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f", at least {low}" if low is not None else ""


def library() -> str:
    """Return a table of what the building blocks are, and a chapter for each: its annotated example, its parameters."""
    rows = [f"| [{name}](#{name}) | {load_block(name).block.summary} |" for name in block_names()]
    return "\n\n".join(["\n".join(["| block | for |", "| --- | --- |", *rows]), *map(_chapter, block_names())])


def _chapter(name: str) -> str:
    block = load_block(name).block
    comment = re.findall(r"^#(?! yaml-language-server)(?: |$)(.*)$", _header(name), re.MULTILINE)
    start = comment.index("  with:")
    example = list(takewhile(_is_indented, comment[start:]))
    before, after = " ".join(comment[:start]).strip(), _prose(comment[start + len(example) :])
    use = "\n".join([f"uses: {name}", dedent("\n".join(example))])
    rows = [
        (f"`{key}`", _kind(each), _default(each.required, each.default), each.summary)
        for key, each in block.parameters.items()
    ]
    lines = [f"### {name}", before, _code(use, "yaml"), after, _table("parameter", rows)]
    return "\n\n".join(line for line in lines if line)


def _is_indented(line: str) -> bool:
    return line.startswith("  ")


def _code(text: str, language: str = "") -> str:
    return f"```{language}\n{text}\n```"


def _prose(comment: Iterable[str]) -> str:
    """Return paragraphs on one line each, and what is indented between them as code."""
    parts = []
    for indented, lines in groupby(comment, _is_indented):
        text = "\n".join(lines).strip("\n")
        parts.append(_code(dedent(text)) if indented else re.sub(r"(?<!\n)\n(?!\n)", " ", text))
    return "\n\n".join(part for part in parts if part)


def _header(name: str) -> str:
    return (LIBRARY / name / "block.yaml").read_text().partition("\nformat:")[0]


def _kind(parameter: Parameter) -> str:
    if parameter.type == "list" and parameter.items != "any":
        return f"list of {parameter.items}s"
    if parameter.type == "map":
        return "mapping" if parameter.keys == "string" else f"mapping, its keys are {parameter.keys}s"
    return parameter.type


def filled(page: str) -> str:
    """Return a page with its generated parts as they must be now."""

    def part(found: re.Match[str]) -> str:
        what = found[1]
        text = library() if what == "library" else table(SCHEMAS[what.removeprefix("keys of ")]())
        return f"{what} -->\n\n{text}\n\n"

    return _GENERATED.sub(part, page)


def main(folder: Path) -> None:
    """Fill in all pages of a folder."""
    for page in sorted(folder.glob("*.md")):
        page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
