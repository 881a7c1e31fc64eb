"""Fixtures that several tests of the engine use."""

from tests.engine.stand_in.project import built, project

__all__ = ["built", "project"]
