from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from soop_components.model import plan as model
from soop_components.runner import plan

SHAPES = [
    (plan.Package, model.Package),
    (plan.User, model.User),
    (plan.Directory, model.Directory),
    (plan.File, model.File),
    (plan.Link, model.Link),
    (plan.Unit, model.Unit),
    (plan.Script, model.Script),
    (plan.HttpHealth, model.HttpHealth),
    (plan.CommandHealth, model.CommandHealth),
    (plan.Component, model.ComponentPlan),
]


@pytest.mark.parametrize(("shape", "of_model"), SHAPES, ids=lambda kind: kind.__name__)
def test_shapes_are_those_of_the_model(shape: Any, of_model: Any) -> None:
    fields = [field for field in shape._fields if (shape, field) != (plan.Component, "name")]
    assert set(fields) == set(of_model.model_fields)
    for field in fields:
        expected = of_model.model_fields[field].get_default(call_default_factory=True)
        if expected is PydanticUndefined:
            assert field not in shape._field_defaults
        else:
            assert shape._field_defaults[field] == expected
