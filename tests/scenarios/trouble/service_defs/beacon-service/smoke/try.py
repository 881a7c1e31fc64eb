#!/usr/bin/python3
"""Asks one of the nodes; fails or takes its time when it is asked to."""

import json
import os
import sys
import time
import urllib.request

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(os.environ["SOOP_ENDPOINT_HTTP"].split()[0] + "/", timeout=10) as answer:
    trouble = json.load(answer)["trouble"]
if trouble == "smoke":
    sys.exit("the beacon does not shine")
while trouble == "slow-smoke" and not os.path.exists("/run/beacon-goes-on"):
    time.sleep(0.1)
