"""Stands for AWS where there is none: a plugin ``pulumi-resource-aws``, see ``tests.native``."""

ACCOUNT = "123456789012"
"""The account that the stand-in's credentials belong to."""
