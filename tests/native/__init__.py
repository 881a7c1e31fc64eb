"""Stands for providers of machines where there are none: plugins ``pulumi-resource-…`` that the real engine drives.

``sdk`` says which properties Pulumi's SDK of a provider has, ``plugin`` speaks the protocol, ``cloud`` is what exists:
files in a folder, and a record of every call. How the resources of one provider behave, its own package says:
``tests.amazon``, ``tests.virtual``.
"""

import sys
from pathlib import Path

EXTRAS = Path(sys.prefix) / "extras"
"""The packages of the extras ``aws`` and ``libvirt``; `make test` installs them."""
FOLDER = "STAND_IN_CLOUD"
"""Variable of a plugin's environment: the folder of what exists there."""
