"""Service Oriented Operation and Provisioning as a Pulumi program."""

import gc
import os

VERSION = "0.1.0"
"""Of what is installed, which takes long to find out otherwise."""

# Our processes are started often and end soon, most before they have anything to collect. Looking for that in all
# that was imported, again and again, takes a part of their start, and so does pydantic's search for plugins.
gc.set_threshold(50_000)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
