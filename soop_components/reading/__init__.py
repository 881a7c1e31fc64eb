"""Reads service definitions, domain definitions and environments from YAML into the models; names every mistake."""
