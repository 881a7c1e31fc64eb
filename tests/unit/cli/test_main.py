from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from soop_components.build.package_cache import LockedPackageGone
from soop_components.cli import main as entry
from soop_components.cli.main import VERBS, main, parser, print_error
from soop_components.errors import InvalidInput, SoopError
from soop_components.project import Project
from tests.package_source import PackageSource

ROOT = Path(__file__).parents[3]
RED = "\x1b[31m"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_errors_are_a_line_each_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain, coloured = io.StringIO(), Terminal()
    for stream in (plain, coloured):
        print_error(InvalidInput(["a: b: wrong", "c: wrong"], "run this"), stream)
    assert plain.getvalue() == "error: a: b: wrong\nerror: c: wrong\n  run this\n"
    assert coloured.getvalue().startswith(f"{RED}error: a: b: wrong\x1b[0m\n")
    monkeypatch.setenv("NO_COLOR", "1")
    quiet = Terminal()
    print_error(SoopError("wrong"), quiet)
    assert quiet.getvalue() == "error: wrong\n"


def test_nothing_asked_for_is_answered_with_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert all(f"\n    {verb} " in output.err for verb in VERBS)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (SoopError("wrong", "do this"), 1, "error: wrong\n  do this\n"),
        (LockedPackageGone({"clock": "2.0"}, "x"), 3, "error: x: the package mirror no longer has what is locked"),
        (OSError(28, "No space left on device", "/x"), 1, "error: /x: No space left on device\n"),
        (KeyError("x"), 1, "error: KeyError: 'x'\n  this is a mistake in soop"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_exit_codes(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr("soop_components.cli.list.run", fail)
    monkeypatch.setattr(entry.os, "dup2", lambda *_: None)
    assert main(["list"]) == code
    assert capfd.readouterr().err.startswith(text)
    if code not in (130, 141):
        with pytest.raises(type(error)):
            main(["--debug", "list"])


@pytest.mark.parametrize("words", [["--debug"], ["frobnicate"], ["--frob"], ["build", "x", "--version", "3"], ["show"]])
def test_a_wrong_command_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: soop")


def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    text = parser().format_help()
    for verb in VERBS:
        assert f"    {verb} " in text
        with pytest.raises(SystemExit) as caught:
            main([verb, "--help"])
        assert caught.value.code == 0
        assert len(capsys.readouterr().out.splitlines()) > 5


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_fits_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in ([], *([verb] for verb in VERBS)):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        lines = capsys.readouterr().out.splitlines()
        assert max(len(line) for line in lines if "$schema=" not in line) < min(columns, 111)
    assert any("  # yaml-language-server: $schema=../../docs/schemas/service.json" in line for line in lines)


def test_everything_that_a_verb_takes_is_explained() -> None:
    top = parser()
    (verbs,) = (action for action in top._actions if action.dest == "VERB" or action.choices)
    for verb, below in verbs.choices.items():
        silent = [action.dest for action in below._actions if not action.help]
        assert not silent, verb


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"soop {metadata.version('soop-components')}\n"


def soop(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as people do, in a process of its own."""
    argv = [sys.executable, "-m", "soop_components.cli.main", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def test_from_source_to_store(project: Project, packages: PackageSource) -> None:
    assert soop("list").stdout == "nothing is built yet; run: soop build DEFINITION\n"
    unlocked = soop("build", "greeting-service")
    assert unlocked.returncode == 1
    assert unlocked.stderr.splitlines()[-1] == "  run: soop lock service_defs/greeting-service"
    locked = soop("lock", "greeting-service")
    assert locked.returncode == 0, locked.stderr
    assert locked.stdout.splitlines() == [
        "service_defs/greeting-service/service.lock: 3 packages",
        "  clock: new -> 2.0",
        "  greeter: new -> 1.0-1",
        "  greeter-lib: new -> 1:1.0-1",
    ]
    built = soop("build", "service_defs/greeting-service")
    assert built.returncode == 0, built.stderr
    name, digest = built.stdout.split()
    assert name == "greeting-service-1.0.0"
    again = soop("build", "service_defs/greeting-service", "--json")
    assert json.loads(again.stdout) == {"reference": name, "digest": digest, "new": False}
    (row,) = json.loads(soop("list", "--json").stdout)
    assert (row["reference"], row["digest"]) == (name, digest)
    assert soop("list").stdout.split()[0::3] == [name, digest]
    shown = soop("show", name).stdout
    assert "  token: secret, made up per domain" in shown
    assert "  time: clock; 1 of 1 to 1000 nodes, 2 packages, disk 1GiB on /srv/time, after web" in shown
    assert json.loads(soop("show", name, "--json").stdout)["definition"]["version"] == "1.0.0"
    assert soop("verify").stdout == f"{name}  good\n"
    assert json.loads(soop("verify", "--json").stdout) == [{"reference": name, "problems": []}]
    (project.service_defs / "greeting-service" / "app" / "page.txt").write_text("edited")
    edited = soop("build", "greeting-service").stdout.splitlines()
    assert edited[0] == f"{name} is built already with other content; this is a development version of it"
    assert edited[1].startswith("greeting-service-1.0.1-dev.")


def test_an_interrupt_while_a_verb_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry.importlib, "import_module", interrupted)
    assert main(["list"]) == 130


def test_a_store_without_artifacts_is_good(project: Project) -> None:
    result = soop("verify")
    assert (result.returncode, result.stdout) == (0, "nothing is built yet; run: soop build DEFINITION\n")


def test_a_damaged_store_is_reported_blob_by_blob(locked: Project) -> None:
    assert soop("build", "greeting-service").returncode == 0
    manifest = json.loads((locked.store / "index.json").read_bytes())["manifests"][0]["digest"]
    blobs = [path for path in (locked.store / "blobs" / "sha256").iterdir() if path.name != manifest[7:]]
    for path in blobs:
        path.write_bytes(b"!" * path.stat().st_size)
    result = soop("verify")
    assert result.returncode == 1
    assert result.stdout == "greeting-service-1.0.0  broken\n"
    assert result.stderr.splitlines()[0].startswith("error: greeting-service-1.0.0: blob sha256:")
    assert "soop build" in result.stderr.splitlines()[-1]
    listed = soop("verify", "--json")
    assert listed.returncode == 1
    assert json.loads(listed.stdout)[0]["problems"][0].startswith("blob sha256:")


def test_a_package_that_is_served_no_more_has_an_exit_code_of_its_own(locked: Project, packages: PackageSource) -> None:
    packages.withdraw("clock")
    result = soop("build", "greeting-service")
    assert result.returncode == 3
    assert result.stderr.splitlines()[-2:] == [
        "error: service_defs/greeting-service: the package mirror no longer has what is locked: clock 2.0",
        "  choose the present versions with: soop lock --refresh service_defs/greeting-service",
    ]


def test_errors_are_red_on_a_terminal(project: Project) -> None:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "soop_components.cli.main", "show", "nothing-1.0.0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    assert subprocess.run(argv, env=environment, stderr=theirs, check=False).returncode == 1
    assert os.read(ours, 200).decode().startswith(f"{RED}error: nothing-1.0.0 is not in the store")
    os.close(ours)
    os.close(theirs)


def test_who_reads_only_the_first_line(locked: Project) -> None:
    assert soop("build", "greeting-service").returncode == 0
    command = f"{sys.executable} -m soop_components.cli.main show greeting-service-1.0.0 --json | head -1"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("{\n", "")


def test_outside_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no Pulumi.yaml in it or above it" in soop("list").stderr
