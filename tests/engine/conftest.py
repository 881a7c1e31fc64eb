"""Fixtures that several tests of the engine use."""

from tests.engine.stand_in.project import project

__all__ = ["project"]
