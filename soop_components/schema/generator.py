"""Makes the JSON Schema of a model; the text below each field of the model is the description of its key.

Pydantic's own ``use_attribute_docstrings`` reads the source of every model whenever the program starts (65 ms); schemas
are made rarely.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Knows what our validators take, and what is written below fields."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Admit a number where a template may be."""
        return {"type": ["string", "number"]}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Describe each key."""
        made = super().model_schema(schema)
        model = schema["cls"]
        for name, text in _texts_below_fields(model):
            made["properties"][model.model_fields[name].validation_alias or name]["description"] = text
        return made

    def generate(self, schema: core_schema.CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        """Refuse keys that match no pattern."""
        made = super().generate(schema, mode)
        for each in _below(made):
            each.pop("title", None)
            if "patternProperties" in each:
                each["additionalProperties"] = False
        return made


def schema_of(model: type[BaseModel]) -> Schema:
    """Return the schema of a model."""
    return model.model_json_schema(schema_generator=_Generator)


def _texts_below_fields(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the fields that have a text below them, inherited ones included, and the text on one line."""
    for base in model.__mro__[: model.__mro__.index(BaseModel)]:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        for field, below in pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
            match field, below:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(str(text))):
                    yield name, " ".join(text.split()).replace("``", "`")


def _below(value: Any) -> Iterator[Schema]:
    """Yield a schema and all that are in it; the mapping of its properties is not one itself."""
    yield value
    for key in ("properties", "patternProperties", "$defs"):
        for each in value.get(key, {}).values():
            yield from _below(each)
    for key in ("items", "additionalProperties"):
        if isinstance(value.get(key), dict):
            yield from _below(value[key])
    for each in (*value.get("anyOf", ()), *value.get("prefixItems", ())):
        yield from _below(each)
