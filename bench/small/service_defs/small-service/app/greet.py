"""Holds a greeting until it is ended."""

import os
import signal

with open(os.environ["GREETING_FILE"], encoding="utf-8") as file:
    print(file.read(), flush=True)
signal.pause()
