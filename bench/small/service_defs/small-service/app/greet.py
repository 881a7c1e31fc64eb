"""Holds a greeting until it is told to go."""

import os
import signal

with open(os.environ["GREETING_FILE"], encoding="utf-8") as file:
    print(file.read(), flush=True)
signal.pause()
