"""Turns what the validator of the models finds into lines that name the key and what was expected there."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from soop_components.model import names
from soop_components.model.duration import DURATION, SOME_TIME
from soop_components.model.names import did_you_mean, shown
from soop_components.model.problem import Keys, Problem, ProblemKind, got
from soop_components.model.size import SIZE
from soop_components.reading.yaml_file import MAXIMUM_PROBLEMS

_PATTERNS = {
    f"^{names.SERVICE_NAME}$": "a service name such as access-service (lower-case letters, digits, hyphens)",
    f"^{names.VERSION}$": "a version such as 3.2.3",
    f"^{names.ROLE_NAME}$": "a name such as web (lower-case letters and digits, then hyphens and letters)",
    f"^{names.ENVIRONMENT_NAME}$": "an environment's name such as dev (lower-case letters and digits, no hyphen)",
    f"^{names.DOMAIN_ID}$": "a domain id such as dev-access, <environment>-<name>",
    f"^{names.KEY}$": "a name such as database_password (lower-case letters, digits, underscores)",
    f"^{SIZE}$": "a size such as 512MiB, 10GiB or 1TiB",
    f"^{DURATION}$": "a time such as 30s, 5m or 1h",
    f"^{SOME_TIME}$": "a time such as 30s, 5m or 1h, more than none",
    r"^/[A-Za-z0-9._/-]+$": "an absolute path such as /var/lib/postgresql",
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$": "a file of the block such as bin/migrate.sh",
    r"^/[!-~]*$": "a path without spaces and line ends such as /health",
    r"^[a-z][a-z0-9.-]*$": "a base image such as debian-12",
    r"^0[0-7]{3}$": "a file mode such as 0644",
    r"^sha256:[0-9a-f]{64}$": "a digest, sha256: and 64 hexadecimal digits",
}
_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_EXPECTED: dict[str, str] = {
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "int_parsing_size": "expected a smaller number",
    "float_type": "expected a number",
    "bool_type": "expected true or false",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "tuple_type": "expected a list",
}
_OUT_OF_RANGE = ("greater_than_equal", "less_than_equal")
_BOUNDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than_equal": lambda context: f"expected at least {_number(context['ge'])}",
    "less_than_equal": lambda context: f"expected at most {_number(context['le'])}",
    "string_too_short": lambda context: f"expected at least {context['min_length']} characters",
    "string_too_long": lambda context: f"expected at most {context['max_length']} characters",
    "too_short": lambda context: f"expected at least {_entries(context['min_length'])}",
    "too_long": lambda context: f"expected at most {_entries(context['max_length'])}",
    "literal_error": lambda context: f"expected {context['expected'].replace(chr(39), '')}",
    "string_pattern_mismatch": lambda context: (
        "expected " + _PATTERNS.get(context["pattern"], f"text that matches {shown(context['pattern'])}")
    ),
    "value_error": lambda context: str(context["error"]),
}


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _entries(count: int) -> str:
    return "one entry" if count == 1 else f"{count} entries"


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return the mistakes in a value that is not what ``model`` says."""
    details = error.errors(include_url=False)[:MAXIMUM_PROBLEMS]
    placed = [(_Location.of(model, detail["loc"]), detail) for detail in details]
    found: dict[Keys, Problem] = {}
    around = {place.keys[:length] for place, _ in placed for length in range(len(place.keys))}
    for place, detail in placed:
        if place.choice is None or place.keys != place.choice:
            kind = ProblemKind.TOO_FEW if detail["type"] == "too_short" else ProblemKind.WRONG_VALUE
            found.setdefault(place.keys, Problem(place.keys, _text(place, detail), kind))
        elif detail["type"] in _OUT_OF_RANGE:  # it is of one of the kinds, which says more
            found[place.keys] = Problem(place.keys, _text(place, detail))
        elif place.choice not in around:  # what is inside says more
            found.setdefault(place.keys, Problem(place.keys, _choice_text(place, detail)))
    # a list may have too few entries only because those in it are mistaken
    inside = {keys[:length] for keys in found for length in range(len(keys))}
    return [problem for keys, problem in found.items() if problem.kind is not ProblemKind.TOO_FEW or keys not in inside]


@dataclass
class _Location:
    """Where a mistake is: the keys to it, and what the models say about that place."""

    keys: Keys = ()
    annotation: Any = None
    choice: Keys | None = None
    """The keys to the innermost place that may be one of several kinds."""
    kinds: tuple[Any, ...] = ()
    pattern: str | None = None
    """What text must look like here."""
    siblings: tuple[str, ...] = ()
    """The keys that are known where an unknown one was found."""

    @classmethod
    def of(cls, model: type[BaseModel], location: Keys) -> _Location:
        """Follow a location through the annotations of the models."""
        place = cls(annotation=model)
        for item in location:
            place._enter(item)
        if get_origin(place.annotation) is Annotated:
            place.pattern = _pattern(get_args(place.annotation)[1:])
        return place

    def _enter(self, item: str | int) -> None:
        annotation = _bare(self.annotation)
        members = _members(annotation)
        if members:
            self.choice, self.kinds = self.keys, members
            self.annotation = _member(members, str(item))
            return
        if item == "[key]":
            return
        self.keys = (*self.keys, item)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = {str(field.validation_alias or name): field for name, field in annotation.model_fields.items()}
            self.siblings = tuple(fields)
            field = fields.get(str(item))
            self.annotation = field.annotation if field else None
            self.pattern = _pattern(field.metadata) if field else None
        else:
            inner = [argument for argument in get_args(annotation) if argument is not Ellipsis]
            self.annotation = inner[-1] if inner else None


def _pattern(metadata: Iterable[Any]) -> str | None:
    patterns = (getattr(item, "pattern", None) for item in metadata)
    return next((pattern for pattern in patterns if isinstance(pattern, str)), None)


def _bare(annotation: Any) -> Any:
    """Strip constraints, and "or nothing"."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        if len(kinds) == 1:
            return _bare(kinds[0])
    return annotation


def _members(annotation: Any) -> tuple[Any, ...]:
    """Return the kinds of a place that may be one of several."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return ()
    return tuple(_bare(kind) for kind in get_args(annotation) if kind is not type(None))


def _member(members: tuple[Any, ...], tag: str) -> Any:
    """Return the kind that the validator calls ``tag``."""
    for member in members:
        kind = get_origin(member) or member
        if tag.startswith(getattr(kind, "__name__", "?")):
            return member
    return None


def _kind_text(kind: Any) -> str:
    if kind in _KINDS:
        return _KINDS[kind]
    if get_origin(kind) is Literal:
        return " or ".join(str(value) for value in get_args(kind))
    return "a list" if get_origin(kind) in (tuple, list) else "a mapping"


def _choice_text(place: _Location, detail: ErrorDetails) -> str:
    kinds = list(dict.fromkeys(_kind_text(kind) for kind in place.kinds))
    return f"expected {', '.join(kinds[:-1])} or {kinds[-1]} {got(detail['input'])}"


def _text(place: _Location, detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        meant = did_you_mean(str(place.keys[-1]), place.siblings)
        return f"unknown key; {meant or 'expected one of ' + ', '.join(place.siblings)}"
    if kind == "string_type" and place.pattern in _PATTERNS:
        return f"expected {_PATTERNS[place.pattern]} {got(detail['input'])}"
    bound = _BOUNDS.get(kind)
    if bound is not None:
        expected = bound(detail.get("ctx", {}))
    else:
        expected = _EXPECTED.get(kind) or detail["msg"][:1].lower() + detail["msg"][1:]
    return f"{expected} {got(detail['input'])}" if kind not in ("too_short", "too_long") else expected
