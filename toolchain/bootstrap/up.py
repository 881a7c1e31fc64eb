"""From whatever state the checkout is in to a running domain with a URL that answers."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap import domains, setup, shell_environment
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble

DOMAIN = "dev-access"
SERVED_NO_MORE = 3
"""Exit code of `soop build` when the package mirror has replaced a package of the lock."""


def run(checkout: Checkout) -> None:
    """Set up, build the artifacts, bring the domain up and show that it answers."""
    setup.run(checkout)
    environment = shell_environment.complete(checkout)
    for definition in sorted((checkout.root / "service_defs").glob("*/service.yaml")):
        _build(checkout, definition.parent, environment)
    if DOMAIN in domains.known(checkout):
        _run(checkout, ["soop", "recover", DOMAIN], environment)
    else:
        _run(checkout, ["pulumi", "stack", "select", "--create", DOMAIN], environment)
    _run(checkout, ["pulumi", "up", "--yes", "--skip-preview", "--stack", DOMAIN], environment)
    _run(checkout, ["soop", "status"], environment)
    _show_that_it_answers(checkout, environment)


def _build(checkout: Checkout, definition: Path, environment: Mapping[str, str]) -> None:
    """Build one artifact; a lock that names packages which are served no more is refreshed, once."""
    path = str(definition.relative_to(checkout.root))
    build = ["soop", "build", path]
    code = subprocess.run(build, cwd=checkout.root, env=environment, check=False).returncode
    if code == SERVED_NO_MORE:
        print(f"so {path}/service.lock is chosen anew; `git diff` shows what changed", flush=True)
        _run(checkout, ["soop", "lock", "--refresh", path], environment)
        _run(checkout, build, environment)
    elif code:
        raise Trouble(f"`{' '.join(build)}` failed", code)


def _show_that_it_answers(checkout: Checkout, environment: Mapping[str, str]) -> None:
    outputs = ["pulumi", "stack", "output", "services", "--json", "--stack", DOMAIN]
    answer = subprocess.run(outputs, cwd=checkout.root, env=environment, capture_output=True, text=True, check=True)
    services: dict[str, dict[str, dict[str, list[str]]]] = json.loads(answer.stdout)
    for service in services.values():
        for addresses in service["endpoints"].values():
            url = f"{addresses[0].rstrip('/')}/health"
            print(f"\ncurl {url}\n{_get(url)}")


def _get(url: str) -> str:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as response:
            return str(response.read().decode(errors="replace")).strip()
    except (urllib.error.URLError, TimeoutError) as error:
        raise Trouble(f"{url} does not answer: {error}") from error


def _run(checkout: Checkout, argv: Sequence[str], environment: Mapping[str, str]) -> None:
    code = subprocess.run(argv, cwd=checkout.root, env=environment, check=False).returncode
    if code:
        raise Trouble(f"`{' '.join(argv)}` failed", code)
