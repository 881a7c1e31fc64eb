"""Templates: sandboxed, strict and limited Jinja2 for texts and structures of a definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from jinja2 import TemplateError, TemplateSyntaxError

from soop_components.errors import SoopError
from soop_components.model.names import listed, near_names, quoted, shown
from soop_components.planning import filters, limits, marks
from soop_components.planning.place import Place
from soop_components.planning.sandbox import UndefinedName, compiled


def evaluate(value: object, scope: Mapping[str, object], where: Place) -> Any:
    """Evaluate every text of a structure, keys included.

    A text that is one ``{{ expression }}`` yields the expression's own value. Errors are ``SoopError``s, and
    name the place.
    """
    if isinstance(value, str):
        return _run(value, scope, where, native=True)
    if isinstance(value, Mapping):
        return {
            marks.unmarked(render(key, scope, where.at(key))): evaluate(item, scope, where.at(key))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [evaluate(item, scope, where.at(number)) for number, item in enumerate(value)]
    return value


def render(text: str, scope: Mapping[str, object], where: Place, *, comments: bool = False) -> str:
    """Render a text to a text, ``Marked`` if there are marks in it; only a file of templates may have ``comments``."""
    return cast(str, _run(text, scope, where, native=False, comments=comments))


def _run(text: str, scope: Mapping[str, object], where: Place, *, native: bool, comments: bool = False) -> Any:
    with _located(text, scope, where):
        if "{" not in text:
            return marks.marked(text)
        with limits.per_template():
            template, is_expression = compiled(text, native, comments)
            context = template.new_context(dict(scope))
            pieces = []
            for piece in template.root_render_func(context):
                limits.spend(len(piece))
                pieces.append(piece)
            if not is_expression:
                return marks.marked("".join(pieces))
            return filters.data(context.vars["result"])


@contextmanager
def _located(text: str, scope: Mapping[str, object], where: Place) -> Iterator[None]:
    """Turn whatever a template raises into an error that names the place."""
    try:
        yield
    except UndefinedName as error:
        name, holder = error.args
        known = holder if isinstance(holder, Mapping) else scope
        hint = getattr(known, "advice", None) or _near(name, known)
        raise SoopError(f"{_place(text, where, error)}: {quoted(name)} is not defined", hint) from None
    except marks.LooksInside as error:
        message = "looks inside a secret or a node's name, which is only known on the node"
        hint = "pass it on as it is, join it or encode it; `first: true` is for what the first node of a role alone has"
        raise SoopError(f"{_place(text, where, error)}: {message}", hint) from None
    except (RecursionError, MemoryError, SyntaxError):
        raise SoopError(f"{where}: the template is nested too deeply") from None
    except TemplateError as error:
        raise SoopError(f"{_place(text, where, error)}: {error.message}") from None
    except Exception as error:  # whatever else a template provokes is its author's mistake, too
        message = shown(str(error) or type(error).__name__)
        raise SoopError(f"{_place(text, where, error)}: {message}") from error


def _near(name: str, known: Mapping[str, object]) -> str:
    """Return the hint that goes with an undefined name."""
    names = [str(each) for each in known]  # keys of a mapping in a template can be numbers
    near = near_names(name, names, 3, 0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there is: {listed(sorted(names)) or 'nothing'}"


def _place(text: str, where: Place, error: BaseException) -> str:
    """Return ``where`` with the line that an error happened in, if the text has several."""
    line = error.lineno if isinstance(error, TemplateSyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        line = template.get_corresponding_lineno(trace.tb_lineno) if template is not None else line
        trace = trace.tb_next
    return f"{where}: line {line}" if line is not None and "\n" in text.rstrip("\n") else str(where)
