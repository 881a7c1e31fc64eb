#!/usr/bin/python3
"""Fails or takes its time when it is asked to."""

import os
import sys
import time

if os.environ["TROUBLE"] == "script":
    sys.exit(f"cannot prepare what the beacon says, though the token is {os.environ['TOKEN']}")
while os.environ["TROUBLE"] == "slow-script" and not os.path.exists("/run/beacon-goes-on"):
    time.sleep(0.1)
