"""Templates: sandboxed, strict and bounded Jinja2 for texts and structures of a definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, NoReturn, cast

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from soop_components.errors import SoopError
from soop_components.model.names import listed, near_names, quoted, shown
from soop_components.planning import encodings, filters, guard, marks
from soop_components.planning.guard import Refused

_TESTS = (
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "integer",
    "boolean",
    "mapping",
    "sequence",
    "even",
    "odd",
    "true",
    "false",
)
_KINDS = {str: "text", int: "a number", float: "a number", bool: "a boolean", list: "a list", type(None): "none"}
_FILE = "<template>"
_LISTED = 500
"""Names that are looked at for advice."""
_LOOP = ("index", "index0", "revindex", "revindex0", "first", "last", "length")


class _UndefinedName(Exception):
    """A template uses a name that is not there."""


class _Strict(StrictUndefined):
    """Says which names there are when one that is missing is used."""

    __slots__ = ()

    def _fail_with_undefined_error(self, *_: Any, **__: Any) -> NoReturn:
        known = self._undefined_obj if isinstance(self._undefined_obj, Mapping) else {}
        raise _UndefinedName(self._undefined_name, tuple(known), getattr(known, "advice", None))


# The operators of StrictUndefined are bound to its base's method, so each must be told of ours.
for _name in [name for name in vars(Undefined) if getattr(Undefined, name) is Undefined._fail_with_undefined_error]:
    setattr(_Strict, _name, _Strict._fail_with_undefined_error)
for _name in ("__iter__", "__str__", "__len__", "__eq__", "__ne__", "__bool__", "__hash__", "__contains__"):
    setattr(_Strict, _name, _Strict._fail_with_undefined_error)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2 in which a dot and brackets reach into mappings and lists and nothing else."""

    intercepted_binops = frozenset({"+", "-", "*", "//", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=_Strict, autoescape=False, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True,
            finalize=lambda value: marks.unmarked(filters.text(value)), optimized=False, cache_size=0,
        )  # fmt: skip
        self.globals = {}
        self.filters = {**filters.FILTERS, **encodings.ENCODINGS}
        self.tests = {name: self.tests[name] for name in _TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, marks.Marked) or isinstance(obj, marks.Marked):
            raise marks.LooksInside
        if isinstance(obj, Undefined):
            str(obj)  # raises
        if isinstance(obj, Mapping) and isinstance(argument, str | int):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=str(argument))
        if isinstance(obj, list | tuple) and isinstance(argument, int):
            if -len(obj) <= argument < len(obj):
                return obj[argument]
            raise Refused(f"the list has {len(obj)} items, there is no [{argument}]")
        reached = repr(argument[:60]) if isinstance(argument, str) else "such item"
        raise Refused(f"{_KINDS.get(type(obj), 'this')} has no {reached}")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return filters.calculate(operator, left, right)


_environment = _Environment()


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
        with guard.budget(text):
            template, is_expression = _compile(text, native)
            return _execute(template, is_expression, scope)


def _execute(template: Template, is_expression: bool, scope: Mapping[str, object]) -> Any:
    if not is_expression:
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
    guard.pay(1)
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


@lru_cache(maxsize=4096)
def _compile(text: str, native: bool) -> tuple[Template, bool]:
    """Return the template, and whether it leaves its value in ``result``."""
    tree = guard.accept(_environment.parse(text))
    expression = _single_expression(tree) if native else None
    if expression is not None:
        target = nodes.Name("result", "store", lineno=1)
        tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
        tree.set_environment(_environment)
    code = _environment.compile(tree, filename=_FILE)
    return Template.from_code(_environment, code, {}, None), expression is not None


def _single_expression(tree: nodes.Template) -> nodes.Expr | None:
    """Return the one expression that a template consists of, if it does."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output) or len(tree.body[0].nodes) != 1:
        return None
    found = tree.body[0].nodes[0]
    return None if isinstance(found, nodes.TemplateData) else found


@contextmanager
def _told(text: str, scope: Mapping[str, object], where: str) -> Iterator[None]:
    """Turn whatever a template raises into an error that names the place."""
    try:
        yield
    except _UndefinedName as error:
        name, known, advice = error.args
        hint = advice or _near(name, known or scope)
        raise SoopError(f"{_place(text, where, error)}: {quoted(name)} is not defined", hint) from None
    except marks.LooksInside as error:
        message = "looks inside a secret or a node's name, which is only known on the node"
        hint = "pass it on as it is, join it or encode it"
        raise SoopError(f"{_place(text, where, error)}: {message}", hint) from None
    except (RecursionError, MemoryError, SyntaxError):
        raise SoopError(f"{where}: the template is nested too deeply") from None
    except Exception as error:  # whatever else a template provokes is its author's mistake, too
        raise SoopError(f"{_place(text, where, error)}: {error}") from error


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
        if trace.tb_frame.f_code.co_filename == _FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{where}: line {line}" if line is not None and "\n" in text.rstrip("\n") else where
