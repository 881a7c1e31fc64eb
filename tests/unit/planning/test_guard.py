from __future__ import annotations

import time

import pytest

from soop_components.errors import SoopError
from soop_components.planning import guard
from soop_components.planning.templates import evaluate, render
from tests.unit.planning.test_templates import HOSTILE


def test_a_template_that_is_refused_leaves_the_others_of_its_service_their_budget() -> None:
    with guard.together():
        with pytest.raises(SoopError, match="the template does too much"):
            render(HOSTILE["endless loop"], {}, "file")
        assert render("{% for a in range(9) %}{{ a }}{% endfor %}", {}, "file") == "012345678"


def refused(texts: list[str]) -> bool:
    """Tell whether the templates of a service do too much together."""
    with guard.together():
        try:
            for text in texts:
                evaluate(text, {"a": 1}, "file")
        except SoopError as error:
            return error.message == "file: the templates and patterns of this service do too much together"
    return False


@pytest.mark.parametrize(
    "texts",
    [
        [f"{{{{ {number} }}}}" for number in range(9999)],
        ["{{ a }}" * 35_000],
        ["{{ [" + "a," * 60_000 + "] }}"],
        ["{{ 1" + " < 1" * 40_000 + " }}"],
        ["{{ 'a' }}" for _ in range(200_000)],
        ["{% for b in range(200000) %}x{% endfor %}"] * 99,
    ],
    ids=["many", "long", "list", "comparison", "often", "loops"],
)
def test_what_templates_do_together_takes_seconds_at_most(texts: list[str]) -> None:
    began = time.perf_counter()
    assert refused(texts)
    assert time.perf_counter() - began < 10


def test_an_ordinary_service_takes_a_small_part_of_what_it_may() -> None:
    assert not refused(
        [f"{number}: {{{{ a }}}} and {{% if a > {number} %}}more{{% endif %}}" for number in range(1000)]
    )
    assert not refused(["x" * 100_000 + "{{ a }}"] * 20)


def test_what_was_compiled_before_is_paid_for_again() -> None:
    """The same service is planned or refused wherever and however often it is."""
    texts = [f"{{{{ [{number}, a] | join('-') }}}}" for number in range(6000)]
    assert [refused(texts) for _ in range(3)] == [True, True, True]
    assert [refused(texts[:1000]) for _ in range(3)] == [False, False, False]
