"""JSON Schemas of the YAML files that people write, made from the models, for editors and the reference."""

from soop_components.schema.schemas import FOLDER, SCHEMAS, schema_path, schema_text, write_schemas

__all__ = ["FOLDER", "SCHEMAS", "schema_path", "schema_text", "write_schemas"]
