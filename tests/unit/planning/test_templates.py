"""Templates yield values and texts, keep secrets sealed in marks, and name the place of a mistake."""

from __future__ import annotations

import pytest

from soop_components.errors import SoopError
from soop_components.planning.marks import Marked, unmarked
from soop_components.planning.templates import evaluate, render
from soop_components.runner.marks import put_node, put_secrets
from tests.unit.planning.scope import FILE, SCOPE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ config.port }}", 8080),
        ("{{ config.on }}", True),
        ("on: {{ config.on }}", "on: true"),
        ("{{ config.none }}", None),
        ("{{ list }}", [3, 1, 2]),
        ("{{ nodes.web[-1].name }}", "web-2"),
        ("{{ nodes['web'][0]['name'] }}", "web-1"),
        ("{{ config.port + 1 }}", 8081),
        ("{{ 7 // 2 }}-{{ 7 % 2 }}-{{ 2 * 3 - 1 }}", "3-1-5"),
        ("{{ list + [4] }}", [3, 1, 2, 4]),
        ("{{ 'a' ~ 1 ~ 'b' }}", "a1b"),
        ("{{ 'yes' if config.port > 1024 else 'no' }}", "yes"),
        ("{{ config.missing | default('there') }}", "there"),
        ("{{ config.missing is defined }}", False),
        ("{{ 'port' in config and 5 not in list }}", True),
        ("{{ 1 < 2 < 3 }}", True),
        ("{{ list | sort | join(',') }}", "1,2,3"),
        ("{{ list | first }}{{ list | last }}{{ list | length }}", "323"),
        ("{{ map | dictsort }}", [["a", 2], ["b", 1]]),
        ("{{ map | values }}", [1, 2]),
        ("{{ ' Ab ' | trim | upper | replace('B', 'c') | lower }}", "ac"),
        ("{{ ' 12 ' | trim | int }}", 12),
        (
            "{% for k, v in map | items %}{{ loop.index }}{{ k }}{{ v }}{{ '' if loop.last else ',' }}{% endfor %}",
            "1b1,2a2",
        ),
        ("{% for i in range(3) if i != 1 %}{{ i }}{% else %}none{% endfor %}", "02"),
        ("{% set x = config.port %}{{ x }}", "8080"),
        ("a\n{% if config.on %}\nb\n{% endif %}\nc\n", "a\nb\nc\n"),
        ("{{ map | json }}", '{"b": 1, "a": 2}'),
        ("{{ {'k': [1, none, true, 'x']} | json }}", '{"k": [1, null, true, "x"]}'),
        ("{{ config.title | sql }}", "'it''s \"$5\" \\ `x`'"),
        ("{{ config.title | systemd }}", 'it\'s \\"\\$5\\" \\\\ \\`x\\`'),
        ("{{ 'ä b/c' | urlencode }}", "%C3%A4%20b%2Fc"),
        ("{{ 'a b' | sh }} {{ '' | sh }}", "'a b' ''"),
        ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
        ("{% raw %}{{ x }} {# y #}{% endraw %}", "{{ x }} {# y #}"),
        ("{{ '{#' }}x", "{#x"),
        (
            "{{ '/opt/a/x.py' | dirname }} {{ '/opt/a/' | dirname }} {{ '/x' | dirname }} {{ '//' | dirname }}",
            "/opt/a /opt/a / /",
        ),
        ("{{ 'a/x.py' | basename }}|{{ 'a/' | basename }}", "x.py|"),
        ("{{ '50% \"a\" $b' | unit }}", '50%% "a" $b'),
    ],
)
def test_what_templates_can_do(text: str, value: object) -> None:
    found = evaluate(text, SCOPE, FILE)
    assert [list(item) for item in found] == value if "dictsort" in text else found == value


@pytest.mark.parametrize("text", ["a {# b #} c", "echo ${#list[@]}", "${#a}; # done #}", "{#"])
def test_nothing_of_a_text_vanishes_as_a_comment(text: str) -> None:
    with pytest.raises(SoopError, match=r"^file: {# begins a comment, which only \*\.j2 files may have"):
        evaluate(text, {}, FILE)
    with pytest.raises(SoopError, match=r"{# begins a comment"):
        render(text, {}, FILE)
    assert render("a{# b #}c", {}, FILE, comments=True) == "ac"


@pytest.mark.parametrize(
    "condition", ["node.name == 'web-1'", "[node.name, 'web-1'] | unique", "node.name is odd", "node.name * 2"]
)
def test_a_condition_on_a_node_is_refused_with_what_there_is_instead(condition: str) -> None:
    with pytest.raises(SoopError, match="looks inside a secret or a node's name") as raised:
        evaluate(f"{{{{ {condition} }}}}", SCOPE, FILE)
    assert raised.value.hint is not None
    assert "`first: true`" in raised.value.hint


def test_structures_are_evaluated_with_their_keys_and_once_only() -> None:
    scope = {"config": {"hostile": "{{ config.port }}", "port": 1}}
    value = {"{{ config.port }}": ["{{ config.port }}", {"a": "{{ config.hostile }}"}], "n": 5, "none": None}
    assert evaluate(value, scope, FILE) == {"1": [1, {"a": "{{ config.port }}"}], "n": 5, "none": None}


SECRET = "p'w \"d$`\\%@:/&"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{{ config.secret }}", SECRET),
        ("x{{ config.secret }}y", f"x{SECRET}y"),
        ("{{ 'x' ~ config.secret }}", f"x{SECRET}"),
        ("{{ [config.secret, 'y'] | join('-') }}", f"{SECRET}-y"),
        ("{{ config.secret if config.secret else 'none' }}", SECRET),
        ("{{ config.secret | sql }}", "'p''w \"d$`\\%@:/&'"),
        ("{{ config.secret | urlencode }}", "p%27w%20%22d%24%60%5C%25%40%3A%2F%26"),
        ("{{ config.secret | json }}", '"p\'w \\"d$`\\\\%@:/&"'),
        ("{{ {'k': config.secret} | json }}", '{"k": "p\'w \\"d$`\\\\%@:/&"}'),
        ("{{ ('a b' ~ config.secret) | sh }}", "'a b''p'\"'\"'w \"d$`\\%@:/&'"),
        ("{{ ('\"' ~ config.secret) | systemd }}", '\\"p\'w \\"d\\$\\`\\\\%@:/&'),
        (
            "{{ (config.secret ~ '/' ~ node.name) | urlencode | systemd }}",
            "p%27w%20%22d%24%60%5C%25%40%3A%2F%26%2Fweb-1",
        ),
        ("{{ ('100% ' ~ node.name ~ ' %') | unit }}", "100%% web-1 %%"),
        ("{{ config.secret | unit }}", SECRET.replace("%", "%%")),
        ("{{ node.name | sql }} {{ node.name | json }} {{ node.name | sh }}", "'web-1' \"web-1\" web-1"),
    ],
)
def test_marks_become_what_the_runner_writes(text: str, written: str) -> None:
    rendered = render(text, SCOPE, FILE)
    assert isinstance(rendered, Marked)
    assert put_secrets(put_node(unmarked(rendered), {"name": "web-1"}), {"secret": SECRET}) == written


@pytest.mark.parametrize(
    "text",
    [
        "{{ config.secret | length }}",
        "{{ config.secret == 'x' }}",
        "{{ 'x' != config.secret }}",
        "{% if config.secret < 'x' %}{% endif %}",
        "{{ config.secret in ['x'] }}",
        "{{ 'x' in [config.secret] }}",
        "{{ 'x' in config.secret }}",
        "{{ {'a': config.secret} == {'a': 'x'} }}",
        "{{ config.secret[0] }}",
        "{{ map[config.secret] }}",
        "{{ {config.secret: 1} }}",
        "{{ config.secret in [] }}",
        "{{ ['\"' ~ config.secret] | json }}",
        "{{ config.secret | upper }}",
        "{{ ('x' ~ config.secret) | lower }}",
        "{{ config.secret | replace('a', 'b') }}",
        "{{ config.secret | int }}",
        "{{ [config.secret, 'x'] | sort }}",
        "{{ ('x' ~ config.secret) | sql }}",
        "{{ ('x' ~ config.secret) | json }}",
        "{{ node.name == 'web-1' }}",
        "@@soop-secret:secret",
        "{{ '@@soop-' ~ 'x' }}",
    ],
)
def test_nothing_looks_inside_a_mark(text: str) -> None:
    with pytest.raises(SoopError, match="looks inside a secret"):
        evaluate(text, SCOPE, FILE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ config.prot }}", "file: 'prot' is not defined\n  did you mean port?"),
        ("{{ confg.port }}", "file: 'confg' is not defined\n  did you mean config?"),
        ("a\n\n{{ config.x.y }}", "file: line 3: 'x' is not defined\n  there is: none, on, port, secret, title"),
        ("{% for a in b %}{% endfor %}", "file: 'b' is not defined"),
        ("{{ x == 1 }}", "file: 'x' is not defined"),
        ("{{ not x }}", "file: 'x' is not defined"),
        ("{{ [x] | json }}", "file: 'x' is not defined"),
        ("{{ [x] }}", "file: 'x' is not defined"),
        ("a\n{{ b", "file: line 2: unexpected end of template"),
        ("{{ a | nofilter }}", "file: No filter named 'nofilter'."),
        ("{{ nodes.web[2].name }}", "file: the list has 2 items, there is no [2]"),
        ("x{{ list }}", "file: a list cannot be put into text; use | join or | json"),
        ("x{{ config.none }}", "file: none cannot be put into text"),
        ("{{ 'a' + 1 }}", "file: + takes numbers, not text"),
        ("{{ 1 // 0 }}", "file: integer division or modulo by zero"),
        ("{{ [] | first }}", "file: the list has 0 items, there is no [0]"),
        ("{{ 'x' | int }}", 'file: expected a number (got "x")'),
        ("{{ map.items() }}", "file: functions and methods cannot be called"),
        ("{{ {1: 2}[3] }}", "file: '3' is not defined\n  there is: 1"),
        ("{{ map[list] }}", "file: a mapping has no such item"),
        ("{{ (1, 2).x }}", "file: a list has no 'x'"),
        ("{{ list | sort(1) }}", "file: sort() takes 1 positional argument but 2 were given"),
        ("{{ 'a' | replace('b') }}", "file: replace() missing 1 required positional argument: 'new'"),
        ("{{ list | join(1, 2) }}", "file: join() takes from 1 to 2 positional arguments but 3 were given"),
        ("{{ 'a' | indent(with=2) }}", "file: indent() got an unexpected keyword argument 'with'"),
        ("{{ list | first(1) }}", "file: first() takes 1 positional argument but 2 were given"),
        ("{{ 'a' is odd }}", "file: odd takes numbers, not text"),
        ("{{ list | join(list) }}", "file: a list cannot be put into text"),
        ("{{ 'a' | indent('b') }}", "file: indent takes a width of 0 to 100"),
        ("{{ 'a' | replace(list, 'b') }}", "file: a list cannot be put into text"),
        ("{{ x | items }}", "file: 'x' is not defined"),
        ("{{ self }}", "file: expected text, a number, a list or a mapping, not a part of the template"),
        (
            "{% for a, b in [[1, 2], [3]] %}{% endfor %}",
            "file: expected lists of 2 items each, for the 2 names of the loop",
        ),
        ("{% for a, b in ['ab'] %}{% endfor %}", "file: expected lists of 2 items each"),
        ("{% for a, (b, c) in [[1, 2]] %}{% endfor %}", "file: cannot unpack"),
        ("{{ 1e999 }}", "file: a number is too large"),
        ("{{ " + "1" * 5000 + " }}", "file: Exceeds the limit (4300 digits)"),
        ("{{ '\\ud800' }}", "file: a text has half of a character in it"),
    ],
)
def test_mistakes_name_their_place(text: str, message: str) -> None:
    with pytest.raises(SoopError) as raised:
        evaluate(text, SCOPE, FILE)
    assert str(raised.value).startswith(message)
