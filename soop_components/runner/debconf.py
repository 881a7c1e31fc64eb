"""Answers to the questions that packages ask while they are installed, given to debconf before.

They belong to ``soop`` there, beside the packages that ask. A package that is installed already is configured anew
when an answer to one of its questions changes, or is given no more.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable

from soop_components.runner import dpkg
from soop_components.runner.commands import Task
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.managed import Managed
from soop_components.runner.marks import holds_secret
from soop_components.runner.vocabulary import Change
from soop_components.runner.work import Work

_OWNER = "soop"
_INFO = "/var/lib/dpkg/info"
_TIMEOUT = 120.0


class Answers(Managed):
    """The answers of the whole plan; packages have them from the first moment on."""

    step = "packages"

    def check(self, work: Work) -> None:
        """Find secrets that were not given, and values that debconf would read as something else."""
        for question, text in work.document.debconf.items():
            value = work.render(text)
            if b"\n" in value or value.endswith((b"\\", b"\r")):
                what = "expected one line that does not end in a backslash"
                raise Failure("packages", f"the answer to {question} for debconf: {what}")

    def pending(self, work: Work) -> Iterable[Change]:
        yield from (Change("debconf", question, "write") for question in _differing(work))
        yield from (Change("debconf", question, "remove") for question in _stale(work))

    def prepare(self, work: Work) -> None:
        changes = [*self.pending(work)]
        if not changes:
            return
        work.ledger.reconfigure |= _asking(work.host, {change.subject for change in changes})
        work.touch([])
        if stale := _stale(work):
            commands = "".join(f"RESET {name}\nFSET {name} seen false\nUNREGISTER {name}\n" for name in stale)
            _run(work.host, ["debconf-communicate", _OWNER], commands.encode())
        if differing := _differing(work):
            _run(work.host, ["debconf-set-selections"], b"".join(_selection(work, name) for name in differing))
        for name in stale:
            del work.ledger.answers[name]
        work.ledger.answers.update({name: work.hashes(work.document.debconf[name])[1] for name in differing})
        work.changes += changes
        work.save()


def to_configure_anew(work: Work) -> list[str]:
    """Return the installed packages to whose questions there are other answers than when they were configured."""
    if not work.ledger.reconfigure:
        return []
    there = {name.partition(":")[0] for name, found in dpkg.installed(work.host).items() if found.whole}
    leaving = work.ledger.packages.keys() - work.document.packages.keys()
    return sorted(name for name in work.ledger.reconfigure if name.partition(":")[0] in there - leaving)


def _differing(work: Work) -> list[str]:
    wanted, given = work.document.debconf, work.ledger.answers
    return sorted(name for name, text in wanted.items() if given.get(name) != work.hashes(text)[1])


def _stale(work: Work) -> list[str]:
    return sorted(work.ledger.answers.keys() - work.document.debconf.keys())


def _selection(work: Work, question: str) -> bytes:
    """Return a line for debconf, which shows answers to everybody unless they are passwords."""
    text = work.document.debconf[question]
    kind = "password" if holds_secret(text) else "boolean" if text in ("true", "false") else "string"
    return f"{_OWNER} {question} {kind} ".encode() + work.render(text) + b"\n"


def _asking(host: Host, questions: set[str]) -> set[str]:
    """Return the installed packages that ask one of these questions, as dpkg names them."""
    found = set()
    for name in glob.glob("*.templates", root_dir=host.places.real(_INFO)):
        with open(host.places.real(f"{_INFO}/{name}"), encoding="utf-8", errors="replace") as file:
            asked = {line.partition(":")[2].strip() for line in file if line.startswith("Template:")}
        if asked & questions:
            found.add(name.removesuffix(".templates"))
    return found


def _run(host: Host, argv: list[str], said: bytes) -> None:
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    done = host.commands.run(Task(argv, stdin=said, timeout=_TIMEOUT, environment=environment))
    if done.exit_code != 0:
        raise Failure.of_command("packages", "debconf did not take the answers to the questions of packages", done)
