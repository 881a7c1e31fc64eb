"""Templates: sandboxed, strict and bounded Jinja2 for texts and structures of a definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast

from jinja2 import TemplateError, TemplateSyntaxError, Undefined

from soop_components.errors import SoopError
from soop_components.model.names import listed, near_names, quoted, shown
from soop_components.planning import guard, marks
from soop_components.planning.compilation import FILE, Compiled, UndefinedName, compiled
from soop_components.planning.guard import Refused

_LISTED = 500
"""Names that are looked at for advice."""


def evaluate(value: object, scope: Mapping[str, object], where: str) -> Any:
    """Evaluate every text of a structure, keys included.

    A text that is one ``{{ expression }}`` yields the expression's own value. ``where`` names file and key in errors,
    which are ``SoopError``s.
    """
    if isinstance(value, str):
        return _run(value, scope, where, native=True)
    if isinstance(value, Mapping):
        return {
            marks.unmarked(render(key, scope, f"{where}.{shown(key)}")): evaluate(item, scope, f"{where}.{shown(key)}")
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [evaluate(item, scope, f"{where}/{number}") for number, item in enumerate(value)]
    return value


def render(text: str, scope: Mapping[str, object], where: str) -> str:
    """Render a text to a text, ``Marked`` if there are marks in it."""
    return cast(str, _run(text, scope, where, native=False))


def _run(text: str, scope: Mapping[str, object], where: str, *, native: bool) -> Any:
    with _told(text, scope, where):
        if "{" not in text:
            return marks.marked(text)
        if len(text) > guard.LENGTH:
            raise Refused(f"the template is longer than {guard.LENGTH} characters")
        with guard.budget():
            return _execute(compiled(text, native), scope)


def _execute(found: Compiled, scope: Mapping[str, object]) -> Any:
    template = found.template
    if not found.is_expression:
        return marks.marked(template.render(scope))
    context = template.new_context(dict(scope))
    try:
        for _ in template.root_render_func(context):
            pass
    except Exception:
        template.environment.handle_exception()
    result = context.vars["result"]
    if isinstance(result, Undefined):
        str(result)  # raises
    return _data(result)


def _data(value: object) -> Any:
    """Return a value as plain data; a template's own objects (its loops, say) are refused."""
    guard.pay(10 if isinstance(value, list | tuple | Mapping) else 1)  # what holds others takes more memory
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        guard.pay(str.__len__(value))
        return marks.marked(value)
    if isinstance(value, Mapping):
        return {str(key): _data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_data(item) for item in value]
    if isinstance(value, Undefined):
        str(value)  # raises
    raise Refused("the expression yields neither text nor number, list or mapping")


@contextmanager
def _told(text: str, scope: Mapping[str, object], where: str) -> Iterator[None]:
    """Turn whatever a template raises into an error that names the place."""
    try:
        yield
    except UndefinedName as error:
        name, known, advice = error.args
        hint = advice or _near(name, known or scope)
        raise SoopError(f"{_place(text, where, error)}: {quoted(name)} is not defined", hint) from None
    except marks.LooksInside as error:
        message = "looks inside a secret or a node's name, which is only known on the node"
        hint = "pass it on as it is, join it or encode it"
        raise SoopError(f"{_place(text, where, error)}: {message}", hint) from None
    except (RecursionError, MemoryError, SyntaxError):
        raise SoopError(f"{where}: the template is nested too deeply") from None
    except (Refused, TemplateError) as error:
        raise SoopError(f"{_place(text, where, error)}: {error}") from None
    except Exception as error:  # whatever else a template provokes is its author's mistake, too
        message = f"does what templates cannot do ({type(error).__name__}: {error})"
        raise SoopError(f"{_place(text, where, error)}: {message}") from error


def _near(name: str, known: Iterable[str]) -> str:
    """Return the hint that goes with an undefined name."""
    names = [str(each) for each in islice(known, _LISTED)]  # keys of a mapping in a template can be numbers
    near = near_names(name, names, 3, 0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there is: {listed(sorted(names)) or 'nothing'}"


def _place(text: str, where: str, error: BaseException) -> str:
    """Return ``where`` with the line that an error happened in, if the text has several."""
    line = (
        error.line if isinstance(error, Refused) else error.lineno if isinstance(error, TemplateSyntaxError) else None
    )
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{where}: line {line}" if line is not None and "\n" in text.rstrip("\n") else where
