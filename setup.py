"""Lets `pip install` of a clone build in a temporary folder, so that it leaves nothing in the clone."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from setuptools import setup

with TemporaryDirectory() as folder:  # all that is said of the package is in pyproject.toml
    setup(options={"build": {"build_base": folder}, "egg_info": {"egg_base": folder}})
