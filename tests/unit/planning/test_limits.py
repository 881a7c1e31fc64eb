"""Limits on what templates do together; what a single one may do is tested with the hostile ones."""

from __future__ import annotations

import time

import pytest

from soop_components.errors import SoopError
from soop_components.planning import limits
from soop_components.planning.templates import evaluate, render
from tests.unit.planning.scope import FILE
from tests.unit.planning.test_hostile_templates import HOSTILE

TOGETHER = "file: the templates and patterns of this service do too much together"


def test_a_template_that_is_refused_leaves_the_others_of_its_service_what_they_may_do() -> None:
    with limits.per_service():
        with pytest.raises(SoopError, match="the template does too much"):
            render(HOSTILE["endless loop"], {}, FILE)
        assert render("{% for a in range(9) %}{{ a }}{% endfor %}", {}, FILE) == "012345678"


def refusal(texts: list[str]) -> str | None:
    """Return why templates of a service are refused, if they are."""
    with limits.per_service():
        try:
            for text in texts:
                evaluate(text, {"a": 1}, FILE)
        except SoopError as error:
            return error.message
    return None


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([f"{{{{ {number} }}}}" for number in range(50_000)], TOGETHER),
        (["{{ 'a' }}" for _ in range(500_000)], TOGETHER),
        (["{% for b in range(200000) %}x{% endfor %}"] * 99, TOGETHER),
        (["{{ a }}" * 35_000], "file: the template has more than 20000 parts"),
        (["{{ [" + "a," * 60_000 + "] }}"], "file: the template has more than 20000 parts"),
        (["{{ 1" + " < 1" * 40_000 + " }}"], "file: the template has more than 20000 parts"),
    ],
    ids=["many", "often", "loops", "long", "list", "comparison"],
)
def test_what_templates_do_together_takes_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], message: str
) -> None:
    monkeypatch.setattr(limits, "SECONDS", 1)
    began = time.thread_time()
    assert refusal(texts) == message
    assert time.thread_time() - began < 5


def test_what_templates_make_together_is_bounded_however_fast_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SERVICE_STEPS", 1_000_000)
    large = "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 15 + "{{ a }}"
    assert refusal([large] * 5) is None
    assert refusal([large] * 99) == TOGETHER


def test_an_ordinary_service_takes_a_small_part_of_what_it_may() -> None:
    ordinary = [f"{number}: {{{{ a }}}} and {{% if a > {number} %}}more{{% endif %}}" for number in range(1000)]
    assert refusal(ordinary) is None
    assert refusal(["x" * 100_000 + "{{ a }}"] * 20) is None
