#!/usr/bin/python3
"""Asks one of the nodes; fails or takes its time when it is asked to."""

import json
import os
import sys
import time
import urllib.request

with open(f"{os.environ['SOOP_SECRETS']}/token") as file:
    token = file.read()
if len(token) < 32 or os.stat(file.name).st_mode & 0o777 != 0o400 or token in str(dict(os.environ)):
    sys.exit("the token is not kept as it should be")

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(os.environ["SOOP_ENDPOINT_HTTP"].split()[0] + "/", timeout=10) as answer:
    trouble = json.load(answer)["trouble"]
if trouble == "smoke":
    sys.exit(f"the beacon does not shine, says {token}")
while trouble == "slow-smoke" and not os.path.exists("/run/beacon-goes-on"):
    time.sleep(0.1)
