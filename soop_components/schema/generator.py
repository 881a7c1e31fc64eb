"""Makes the JSON Schema of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from soop_components.schema.docstrings import docstrings

Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Knows what our validators take."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Tell of a template that a number will do."""
        return {"type": ["string", "number"]}

    def generate(self, schema: core_schema.CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        """Leave no key unchecked: one that does not look as it must is a mistake."""
        made = super().generate(schema, mode)
        for each in _below(made):
            each.pop("title", None)
            if "patternProperties" in each:
                each["additionalProperties"] = False
        return made


def schema_of(model: type[BaseModel]) -> Schema:
    """Return the schema of a model, with the text below each field as its description."""
    schema = model.model_json_schema(schema_generator=_Generator)
    _describe(schema, model)
    for name, definition in schema.get("$defs", {}).items():
        _describe(definition, _models(model)[name])
    return schema


def _describe(schema: Schema, model: type[BaseModel]) -> None:
    texts = docstrings(model)
    for name, field in model.model_fields.items():
        if name in texts:
            schema["properties"][field.alias or name]["description"] = texts[name]


def _models(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the models that the model is made of, by name."""
    found: dict[str, type[BaseModel]] = {}
    waiting: list[Any] = [model]
    while waiting:
        each = waiting.pop()
        if isinstance(each, type) and issubclass(each, BaseModel):
            if each.__name__ not in found:
                found[each.__name__] = each
                waiting += [field.annotation for field in each.model_fields.values()]
        else:
            waiting += getattr(each, "__args__", ())
    return found


def _below(value: Any) -> Iterator[Schema]:
    """Yield each schema in a schema, which are more than its mappings: those named after fields are not schemas."""
    yield value
    for key in ("properties", "patternProperties", "$defs"):
        for each in value.get(key, {}).values():
            yield from _below(each)
    for key in ("items", "additionalProperties"):
        if isinstance(value.get(key), dict):
            yield from _below(value[key])
    for each in (*value.get("anyOf", ()), *value.get("prefixItems", ())):
        yield from _below(each)
