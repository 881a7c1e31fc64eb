"""Scripts: run when they, anything they are given or the node's disk has changed since they last succeeded."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from soop_components.runner import accounts, files, script_records
from soop_components.runner.commands import Account, Completed, Task
from soop_components.runner.failure import Failure, step, tail
from soop_components.runner.host import Host, remove_tree
from soop_components.runner.ledger import ScriptRecord
from soop_components.runner.managed import Managed
from soop_components.runner.observed import observed
from soop_components.runner.plan import Component, Script
from soop_components.runner.touched import covered
from soop_components.runner.typed_json import canonical
from soop_components.runner.vocabulary import Change
from soop_components.runner.work import Work

TIMED_OUT = 124
"""Exit code reported for a program that was killed since its time was up."""
_PASSABLE = 0o711
"""Users pass through a folder to their programs and see no others."""


class Scripts(Managed):
    """The scripts of one moment: ``before_units`` or ``after_units``."""

    step = "scripts"

    def __init__(self, when: str) -> None:
        self._when = when

    def check(self, work: Work) -> None:
        """Find secrets that were not given."""
        for script in (script for component in work.document.components for script in component.scripts):
            work.render((script.content or "") + (script.stdin or ""))

    def pending_in(self, work: Work, component: Component) -> list[Change]:
        return [
            Change("script", _key(component, script), "run")
            for script in component.scripts
            if script.when == self._when and _differs(work, component, script)
        ]

    def carry_out(self, work: Work, component: Component) -> None:
        for script in component.scripts:
            if script.when == self._when:
                if _differs(work, component, script):
                    _run(work, component, script)
                work.considered[_key(component, script)] = set(work.ledger.changing)

    def remove_stale(self, work: Work) -> None:
        """Forget scripts that the document does not have, so that they run when one has them again."""
        wanted = {_key(component, script) for component in work.document.components for script in component.scripts}
        for key in set(work.ledger.scripts) - wanted:
            del work.ledger.scripts[key]


def _differs(work: Work, component: Component, script: Script) -> bool:
    """Return whether it changed, or what it is given, its disk, or anything at its triggers that is not of the plan."""
    key, wanted = _key(component, script), _fingerprint(work, script)
    if work.ledger.scripts.get(key) != wanted:
        return True
    if not script_records.are_on_disk(work.host, work.document.disk, key, wanted):
        return True
    below = (each.name for each in work.ledger.changing if each.what == "below")
    return bool(covered(work.host.places, script.triggers, below))


def run_again(work: Work) -> None:
    """Run scripts, once more, at whose triggers a later component or script has changed something since they ran."""
    for component in work.document.components:
        for script in component.scripts:
            key = _key(component, script)
            kinds = ("path", "below") if key in work.ran else ("below",)
            new = work.ledger.changing - work.considered[key]
            if covered(work.host.places, script.triggers, (each.name for each in new if each.what in kinds)):
                with step("scripts", component.name):
                    _run(work, component, script)
            work.considered[key] = set(work.ledger.changing)


def _key(component: Component, script: Script) -> str:
    return f"{component.name}/{script.name}"


def _fingerprint(work: Work, script: Script) -> ScriptRecord:
    """Identify a script by program, input and triggers."""
    texts = [work.hashes(text) if text is not None else ("", "") for text in (script.content, script.stdin)]
    triggers = [_trigger(work, path) for path in script.triggers]
    fixed = [script.digest, list(script.arguments), script.user]
    text = [fixed, [text for text, _ in texts], [found for found, _ in triggers]]
    known = [hash_ for _, hash_ in texts] + [hash_ for _, hashes in triggers for hash_ in hashes]
    return ScriptRecord(work.host.hash(canonical(text)), work.host.hash(canonical([text, known])))


def _trigger(work: Work, root: str) -> tuple[list[list[str]], list[str]]:
    """Identify what is at or below a path: all that the plan has there by its goals, another file by its bytes."""
    goals = {path: goal for component in work.document.components for path, goal in _goals(work, component)}
    if below := sorted(covered(work.host.places, (root,), goals)):
        return [[path, goals[path][0]] for path in below], [goals[path][1] for path in below]
    found = work.host.places.look(root)
    if found is None or not stat.S_ISREG(found.st_mode):
        return [], []
    return [[root, files.hash_of(work.host, root)]], []


def _goals(work: Work, component: Component) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the paths of a component, with the identity of what shall be there, without and with its secrets."""
    yield from ((goal.path, (goal.text, goal.hash or goal.text)) for goal in files.goals(work, component))
    for path, what in {**component.directories, **component.links, **dict.fromkeys(component.absent)}.items():
        text = canonical(what).decode()
        yield path, (text, text)


def _run(work: Work, component: Component, script: Script) -> None:
    key = _key(component, script)
    work.ledger.scripts.pop(key, None)  # it counts as not run until it has succeeded
    work.events.progress(f"running script {script.name} ({component.name})")
    stdin = work.render(script.stdin) if script.stdin is not None else b""
    task = Task(script.arguments, stdin, script.timeout)
    with observed(work):
        done = run_program(work.host, script.name, work.content(component.blob, script), task, script.user)
    if done.exit_code != 0:
        why = f"took more than {script.timeout} seconds" if done.timed_out else f"ended with {done.exit_code}"
        done = done._replace(command=" ".join([script.source or script.name, *script.arguments]))
        said = tail(done.stderr) or tail(done.stdout)
        raise Failure.of_command("scripts", f"script {script.name} {why}", done, said)
    work.ledger.scripts[key] = record = _fingerprint(work, script)
    script_records.remember(work, key, record)
    work.ran.add(key)
    work.changed("script", key, "run")
    work.save()


def run_program(
    host: Host,
    name: str,
    program: Iterable[bytes],
    task: Task,
    user: str,
    secrets: Mapping[str, str] | None = None,
) -> Completed:
    """Run a program given by chunks, with the arguments of the task, and end with it everything that it has started.

    It finds ``secrets`` in files of the folder that ``SOOP_SECRETS`` names.
    """
    account = accounts.account(user)
    with _executable(host, os.path.basename(name), program, account) as path:
        if secrets:
            folder = _with_secrets(os.path.dirname(path), secrets, account)
            task = task._replace(environment={**task.environment, "SOOP_SECRETS": folder})
        try:
            done = host.commands.run(task._replace(argv=[path, *task.argv], account=account, alone=True))
        except OSError as error:
            what = f"script {name} cannot be run: {error.strerror} (does it begin with #! and an interpreter?)"
            raise Failure("scripts", what) from error
    return done._replace(exit_code=TIMED_OUT) if done.timed_out else done


@contextmanager
def _executable(host: Host, name: str, program: Iterable[bytes], account: Account) -> Iterator[str]:
    """Write a program to where only its user can run it."""
    import tempfile

    host.prepare()
    base = host.kept("scripts")
    os.makedirs(base, exist_ok=True)
    os.chmod(base, _PASSABLE)
    folder = tempfile.mkdtemp(dir=base)
    try:
        os.chmod(folder, _PASSABLE)
        path = os.path.join(folder, name or "script")
        _write(path, program, 0o500, account)
        yield path
    finally:
        remove_tree(folder)


def _with_secrets(folder: str, secrets: Mapping[str, str], account: Account) -> str:
    """Write secrets beside a program, each into a file that only its user can read; return their folder."""
    below = os.path.join(folder, ".secrets")
    os.mkdir(below)
    os.chmod(below, _PASSABLE)
    for key, value in secrets.items():
        _write(os.path.join(below, os.path.basename(key)), (value.encode(),), 0o400, account)
    return below


def _write(path: str, content: Iterable[bytes], mode: int, account: Account) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        if account.uid != os.geteuid():
            os.fchown(file.fileno(), account.uid, account.gid)
        file.writelines(content)
