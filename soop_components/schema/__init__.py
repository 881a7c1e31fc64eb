"""JSON Schemas of the YAML files that people write, made from the models, for editors and the reference."""
