"""Templates that would do harm, or take too long, are refused."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.planning import limits
from soop_components.planning.templates import evaluate, render
from tests.unit.planning.scope import FILE, SCOPE

HOSTILE: dict[str, str] = {
    "attribute": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "attribute of a filter's value": "{{ (map | items).__class__ }}",
    "attribute by brackets": "{{ config['__class__'] }}",
    "format": "{{ '{0.__class__}'.format(1) }}",
    "percent": "{{ '%999999999d' % 1 }}",
    "globals": "{{ cycler.__init__.__globals__ }}",
    "lipsum": "{{ lipsum(n=1000000) }}",
    "self": "{{ self.__init__ }}",
    "self as text": "x{{ self }}",
    "loop as value": "{% for a in [1] %}{{ loop }}{% endfor %}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}",
    "extends": "{% extends '/etc/passwd' %}",
    "endless loop": "{% for a in range(999999999) %}{% endfor %}",
    "huge range": "{% for a in range(99999999999999999999999999) %}{% endfor %}",
    "nested loops": "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    "loops over large text": "{% for a in range(9999) %}" + "x" * 9999 + "{% endfor %}",
    "recursive loop": "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "macro": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "caller": "{% call a() %}{% endcall %}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "set block": "{% set a %}x{% endset %}",
    "namespace": "{% set a = namespace(x=1) %}",
    "power": "{{ 9 ** 9 ** 9 ** 9 }}",
    "multiplied text": "{{ 'a' * 999999999 }}",
    "multiplied list": "{{ [1] * 999999999 }}",
    "squares": "{% set a = 7 %}" + "{% set a = a * a %}" * 99 + "{{ a }}",
    "doubled text": "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 99 + "{{ a }}",
    "added text": "{% set a = 'x' %}" + "{% set a = a + a %}" * 99 + "{{ a }}",
    "doubled list": "{% set a = [1] %}" + "{% set a = a + a %}" * 99 + "{{ a | length }}",
    "lists of lists": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 99 + "{{ a | json }}",
    "compared lists of lists": "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40
    + "{{ a == b }}",
    "lists of lists as a value": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 99 + "{{ a }}",
    "joins": "{% set a = 'x' | replace('x', 'y' | indent(100)) %}" + "{% set a = [a, a, a, a] | join(a) %}" * 20,
    "replaced text": "{% set a = 'xx' %}" + "{% set a = a | replace('x', a) %}" * 40,
    "indented text": "{% set a = '\n' %}" + "{% set a = (a ~ a) | indent(100) %}" * 40,
    "sorted": "{% for a in range(99999) %}{{ range(99999) | sort | length }}{% endfor %}",
    "parentheses": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "brackets": "{{ " + "[" * 5000 + "1" + "]" * 5000 + " }}",
    "additions": "{{ 1" + " + 1" * 5000 + " }}",
    "negations": "{{ " + "not " * 5000 + "1 }}",
    "nested ifs": "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "nested fors": "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
    "too long": "{{ 1 }}" * 99999,
    "braces": "{{" * 99999,
    "comments": "{#" * 99999,
    "blocks": "{%" * 99999,
    "quotes": "{{ '" + "\\" * 99999,
    "digits": "{{ " + "9" * 9999 + " }}",
    "unhashable": "{{ {[]: 1} }}",
    "tuples of tuples as key": "{% set a = (1, 1) %}" + "{% set a = (a, a) %}" * 60 + "{{ {a: 1} }}",
    "lists of lists in a message": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a | int }}",
    "lists of lists as an index": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ list[a] }}",
    "lists of lists in text": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a ~ 'x' }}",
    "lists of lists sorted": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ [a, a] | sort }}",
    "lists of lists as arguments": "{% set a = [1] %}"
    + "{% set a = [a, a] %}" * 60
    + "{{ 'x' | replace(a, a) | indent(a) }}",
    "slice": "{{ list[::0] }}",
    "long body of a loop": "{% for a in range(999999) %}" + "{% set b = 1 %}" * 6000 + "{% endfor %}",
    "function as value": "{{ range }}",
    "unpacked arguments": "{{ [1] | join(**{'separator': 'a' * 9}) }}",
    "joined with itself": "{% set a = 'x' * 1 %}" + "{% set a = [a, a] | join(a) %}" * 99,
    "many large texts": "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 18 + "{% set b = a ~ 1 %}" * 9,
    "odd text": "{{ '%999999999d' is odd }}",
    "marks encoded": "{{ " + "('@@soop-secret:x@@' ~ " * 50 + "''" + ")" * 50 + " | urlencode * 2 }}",
    "text of a loop": "{% for a in [1] %}{{ loop ~ '' }}{% endfor %}",
    "called loop": "{% for a in [1] %}{% set range = loop %}{{ range([1]) }}{% endfor %}",
    "namespace of a loop": "{% for a in [1] %}{{ loop.__init__ }}{% endfor %}",
    "attribute of a name": "{% set a.b = 1 %}",
    "block": "{% block a %}{% endblock %}",
    "do": "{% do list.append(1) %}",
    "debug": "{% debug %}",
    "translation": "{% trans %}{% endtrans %}",
    "divisible": "{{ '%999999999d' is divisibleby(1) }}",
    "centered": "{{ 'a' | center(999999999) }}",
    "formatted": "{{ '%999999999d' | format(1) }}",
    "attribute by a filter": "{{ '' | attr('__class__') }}",
    "mapped attribute": "{{ [''] | map(attribute='__class__') | list }}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_templates_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 1)
    began = time.thread_time()
    for native in (True, False):
        with pytest.raises(SoopError, match=r"^file: "):
            evaluate(HOSTILE[name], SCOPE, FILE) if native else render(HOSTILE[name], SCOPE, FILE)
    assert time.thread_time() - began < 10


def test_the_budget_holds_in_any_thread_and_is_each_renderings_own() -> None:
    results: list[Any] = []

    def plan() -> None:
        for _ in range(3):
            try:
                results.append(render("{% for a in range(50000) %}x{% endfor %}", {}, FILE))
            except SoopError as error:
                results.append(error.message)

    threads = [threading.Thread(target=plan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["x" * 50000] * 12


def test_a_template_cannot_change_what_it_is_given() -> None:
    for text in (
        "{{ list.append(4) }}",
        "{% set config.port = 1 %}",
        "{{ map.update({'c': 3}) }}",
        "{{ list.sort() }}",
    ):
        with pytest.raises(SoopError):
            evaluate(text, SCOPE, FILE)
    assert SCOPE["list"] == [3, 1, 2]
