"""Builds a service definition's folder into an artifact, once: packages locked and fetched, files packed."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Is called with what a build is doing, a line at a time."""
