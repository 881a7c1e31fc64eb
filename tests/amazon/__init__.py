"""Stands for AWS where there is none: a plugin ``pulumi-resource-aws`` that the real engine drives.

``sdk`` says which properties Pulumi's SDK for AWS has, ``behaviour`` how resources behave, ``plugin`` speaks the
protocol, ``cloud`` is what exists: files in a folder, and a record of every call.
"""

import sys
from pathlib import Path

EXTRAS = Path(sys.prefix) / "extras"
"""The packages of the extra ``aws``; `make test` installs them."""
ACCOUNT = "123456789012"
"""The account that the stand-in's credentials belong to."""
FOLDER = "STAND_IN_AWS"
"""Variable of the plugin's environment: the folder of what exists there."""
