from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from soop_components.engine.environment import (
    find_pulumi,
    prepare,
    pulumi_environment,
    shell_variables,
)
from soop_components.errors import SoopError
from soop_components.project import KNOWN_TO_ALL, Project
from soop_components.setup.shell_environment import ensure


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    root = tmp_path / "project"
    root.mkdir()
    (root / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    return Project(root)


def program(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pulumi"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_finds_the_one_built_here_then_on_path_then_the_installers(project: Project, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "bin")}
    with pytest.raises(SoopError, match="pulumi is not installed"):
        find_pulumi(project, environ)
    for folder in (tmp_path / "home" / ".pulumi" / "bin", tmp_path / "bin", project.root / ".toolchain" / "bin"):
        path = program(folder)
        assert find_pulumi(project, environ) == path


def test_needs_no_variable_to_be_set(project: Project) -> None:
    found = pulumi_environment(project, Path("/opt/pulumi/bin/pulumi"), {"PATH": "/usr/bin", "LANG": "C.UTF-8"})
    assert found == {
        "PATH": os.pathsep.join([f"{project.root}/.venv/bin", "/usr/bin", "/opt/pulumi/bin"]),
        "LANG": "C.UTF-8",
        "PULUMI_BACKEND_URL": f"file://{project.root}/.soop/state?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(project.passphrase),
        "PULUMI_HOME": str(project.home / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "no_grpc_proxy": "127.0.0.1,localhost",
    }


def test_a_proxy_is_not_asked_for_the_loopback(project: Project) -> None:
    proxies = {f"{kind}_proxy": "http://127.0.0.1:9" for kind in ("http", "https", "grpc", "all")}
    environment = pulumi_environment(project, Path("/opt/pulumi/bin/pulumi"), {"PATH": "/usr/bin", **proxies})
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    connect = "import grpc, sys; grpc.channel_ready_future(grpc.insecure_channel(sys.argv[1])).result(timeout=60)"
    try:
        for host in ("127.0.0.1", "localhost"):
            subprocess.run([sys.executable, "-c", connect, f"{host}:{port}"], env=environment, check=True)
    finally:
        server.stop(0)


@pytest.mark.parametrize("is_built", [True, False])
def test_is_that_of_a_shell_which_has_read_our_env(project: Project, is_built: bool) -> None:
    if is_built:
        program(project.root / ".toolchain" / "bin")
    ensure(project)
    shell = {"PATH": "/usr/local/bin:/usr/bin"}
    for _ in range(2):  # also where it was read twice
        text = f'. {project.home}/env; printf %s "$PATH"'
        shell["PATH"] = subprocess.run(
            ["/bin/sh", "-c", text], env=shell, capture_output=True, text=True, check=True
        ).stdout
        pulumi = find_pulumi(project, shell) if is_built else Path("/usr/local/bin/pulumi")
        assert pulumi_environment(project, pulumi, shell)["PATH"] == shell["PATH"]


def test_puts_our_folders_before_all_others(project: Project) -> None:
    pulumi = program(project.root / ".toolchain" / "bin")
    path = os.pathsep.join(["/another/.venv/bin", str(pulumi.parent), "/usr/bin"])
    found = pulumi_environment(project, pulumi, {"PATH": path})["PATH"]
    assert found == os.pathsep.join([f"{project.root}/.venv/bin", str(pulumi.parent), "/another/.venv/bin", "/usr/bin"])


def test_leaves_what_the_user_has_set(project: Project) -> None:
    given = {"PULUMI_BACKEND_URL": "s3://state", "PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_HOME": "/home/me/.pulumi"}
    found = pulumi_environment(project, Path("/usr/bin/pulumi"), given)
    assert given.items() <= found.items()
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in found


def test_leaves_a_backend_that_the_user_logged_in_to(project: Project, tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text('{"current": "https://api.example.com"}')
    found = pulumi_environment(project, Path("/usr/bin/pulumi"), {"PULUMI_HOME": str(tmp_path)})
    assert "PULUMI_BACKEND_URL" not in found


def test_prepares_state_and_passphrase_for_their_owner_only(project: Project) -> None:
    environment = pulumi_environment(project, Path("/usr/bin/pulumi"), {})
    prepare(project, environment)
    prepare(project, environment)
    assert project.passphrase.read_text() == f"{KNOWN_TO_ALL}\n"
    assert [oct(path.stat().st_mode & 0o777) for path in (project.home, project.state, project.passphrase)] == [
        "0o700",
        "0o700",
        "0o600",
    ]
    assert sorted(path.name for path in project.home.iterdir()) == ["passphrase", "state"]


def test_drops_what_a_killed_engine_left_of_the_notes_beside_a_state(project: Project, tmp_path: Path) -> None:
    stacks = tmp_path / "elsewhere" / ".pulumi" / "stacks" / "p"
    stacks.mkdir(parents=True)
    for name, text in {"a.json": "", "a.json.attrs": "", "b.json.attrs": "{}"}.items():
        (stacks / name).write_text(text)
    prepare(project, {"PULUMI_BACKEND_URL": f"file://{tmp_path}/elsewhere"})
    assert sorted(path.name for path in stacks.iterdir()) == ["a.json", "b.json.attrs"]


def test_keeps_a_passphrase_that_is_there(project: Project) -> None:
    project.make_home()
    project.passphrase.write_text("our own\n")
    prepare(project, pulumi_environment(project, Path("/usr/bin/pulumi"), {}))
    assert project.passphrase.read_text() == "our own\n"


def test_variables_of_a_shell_are_the_same_when_they_are_read_again(project: Project) -> None:
    once = shell_variables(project, {"PATH": "/bin"})
    assert shell_variables(project, once) == once


def test_a_built_engine_is_on_path_only_when_it_was_built(project: Project) -> None:
    assert shell_variables(project, {"PATH": "/bin"})["PATH"] == f"{project.root}/.venv/bin:/bin"
    program(project.root / ".toolchain" / "bin")
    path = shell_variables(project, {"PATH": "/bin"})["PATH"]
    assert path == f"{project.root}/.venv/bin:{project.root}/.toolchain/bin:/bin"


@pytest.mark.parametrize(
    ("written", "folder"),
    [
        ("s3://state", None),
        ("file://./.soop/state", ".soop/state"),
        ("file://./.soop/state?metadata=skip", ".soop/state"),
        ("file://./elsewhere", "elsewhere"),
    ],
)
def test_a_shell_finds_a_state_in_a_folder_from_everywhere_and_any_other_out_of_pulumi_yaml(
    project: Project, written: str, folder: str | None
) -> None:
    (project.root / "Pulumi.yaml").write_text(f"name: x\nbackend:\n  url: {written}\n")
    expected = folder and (project.root / folder).as_uri() + "?metadata=skip"
    assert shell_variables(project, {"PULUMI_BACKEND_URL": "s3://other"}).get("PULUMI_BACKEND_URL") == expected
