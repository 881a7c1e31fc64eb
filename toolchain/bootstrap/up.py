"""From whatever state the checkout is in to a running domain with a URL that answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from bootstrap import foreground, setup
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble

DOMAIN = "dev-access"
SERVED_NO_MORE = 3
"""Exit code of `soop build` when the package mirror has replaced a package of the lock."""


def run(checkout: Checkout) -> None:
    """Set up, build the artifacts, bring the domain up and show that it answers."""
    setup.run(checkout)
    for definition in sorted((checkout.root / "service_defs").glob("*/service.yaml")):
        _build(checkout, str(definition.parent.relative_to(checkout.root)))
    foreground.must(checkout, ["pulumi", "stack", "select", "--create", DOMAIN])
    foreground.must(checkout, ["soop", "recover", DOMAIN])
    foreground.must(checkout, ["pulumi", "up", "--yes", "--skip-preview", "--stack", DOMAIN])
    foreground.must(checkout, ["soop", "status", DOMAIN])
    _show_that_it_answers(checkout)


def _build(checkout: Checkout, definition: str) -> None:
    """Build one artifact; a lock with packages that are served no more is chosen anew, once."""
    build = ["soop", "build", definition]
    code = foreground.run(checkout, build)
    if code == SERVED_NO_MORE:
        print(f"so {definition}/service.lock is chosen anew; `git diff` shows what changed", flush=True)
        foreground.must(checkout, ["soop", "lock", "--refresh", definition])
        foreground.must(checkout, build)
    elif code:
        raise Trouble(f"`{' '.join(build)}` failed", code)


def _show_that_it_answers(checkout: Checkout) -> None:
    outputs = ["pulumi", "stack", "output", "services", "--json", "--stack", DOMAIN]
    services: dict[str, dict[str, dict[str, list[str]]]] = json.loads(foreground.output(checkout, outputs))
    for service in services.values():
        for addresses in service["endpoints"].values():
            url = f"{addresses[0].rstrip('/')}/health"
            print(f"\ncurl {url}\n{_get(url)}")


def _get(url: str) -> str:
    """Return what ``url`` answers, asked without a proxy since the machine is here."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as response:
            return str(response.read().decode(errors="replace")).strip()
    except (urllib.error.URLError, TimeoutError) as error:
        raise Trouble(f"{url} does not answer: {error}") from error
