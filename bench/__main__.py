"""``python -m bench [FIGURE…]``: measures and prints a table."""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from bench import fresh, peers, previews, unchanged, upgrades
from bench.report import Comparison, row, table, write
from bench.run import Run
from bench.workspace import FOLDER, sweep
from soop_components.errors import SoopError

FIGURES: dict[str, tuple[str, Callable[[Run], Iterable[Comparison]]]] = {
    "fresh": ("a new domain against a script", fresh.figures),
    "unchanged": ("an update without changes against bare Pulumi", unchanged.figures),
    "peers": ("Ansible and pyinfra on the same machines", peers.figures),
    "upgrades": ("rolling upgrades under load against Ansible and pyinfra", upgrades.figures),
    "previews": ("hundreds of nodes against bare Pulumi", previews.figures),
}


def main() -> int:
    """Measure what was asked for, all if nothing was."""
    parser = argparse.ArgumentParser(prog="bench", description="Measures SOOP side by side with its alternatives.")
    parser.add_argument("figure", nargs="*", help=f"one of {', '.join(FIGURES)}; all if none is given")
    parser.add_argument("--rounds", type=float, default=1.0, help="share of the usual number of rounds, 0.5 is half")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds to wait for a calm machine, in all")
    parser.add_argument("--web-nodes", type=int, nargs="+", default=[1, 3, 6], help="sizes of rolling upgrades")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.figure) - set(FIGURES))
    if unknown:
        parser.error(f"there is no figure {unknown[0]}; there are {', '.join(FIGURES)}")
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "SOOP_"))]:
        del os.environ[name]  # of a shell that has read .soop/env: each project here has its own
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("figures are being measured already", file=sys.stderr)
            return 1
        run = Run(arguments.rounds, arguments.patience, arguments.web_nodes)
        return _measure(arguments.figure or list(FIGURES), run)


def _measure(names: Iterable[str], run: Run) -> int:
    sweep()
    began, load = time.monotonic(), os.getloadavg()[0]
    found: list[Comparison] = []
    for name in names:
        title, figures = FIGURES[name]
        print(f"{name}: {title}", file=sys.stderr, flush=True)
        try:
            for figure in figures(run):
                found.append(figure)
                run.say(row(figure))
        except SoopError as error:
            print(error, file=sys.stderr)
            return 1
    now = datetime.now(UTC)
    about = {
        "when": now.isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
        "load_at_start": round(load, 2),
        "busy_before_each_run": run.calm.busy,
    }
    path = FOLDER / f"{now:%Y%m%dT%H%M%SZ}.json"
    write(path, found, about)
    worst = max(run.calm.busy, default=0)
    print(f"{table(found)}\n\n{about['machine']}, Python {about['python']}; load at the start {load:.1f},")
    print(f"at most {worst:.0%} busy before a run; {time.monotonic() - began:.0f} s in all; every sample: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
