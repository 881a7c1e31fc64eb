"""Service Oriented Operation and Provisioning as a Pulumi program."""

VERSION = "0.1.0"
"""Of what is installed, which takes long to find out otherwise."""
