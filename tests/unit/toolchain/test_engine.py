"""Which Pulumi is used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from bootstrap import engine, go_module, language_host
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble

from soop_components.errors import SoopError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout in which nothing was built."""
    made = Checkout(tmp_path / "checkout")
    made.toolchain.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        shutil.copy(ROOT / "toolchain" / name, made.toolchain)
    shutil.copytree(ROOT / "toolchain" / "language_host", made.toolchain / "language_host")
    return made


def add(folder: Path, name: str, says: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def add_go(programs: Path, sdk: Path) -> Path:
    """Stand in for Go: it notes each build in a file, which is returned, and knows where Pulumi's SDK lies."""
    builds = programs.parent / "builds"
    executor = sdk / "python" / "cmd" / language_host.EXECUTOR
    executor.parent.mkdir(parents=True)
    executor.touch()
    (programs / "go").write_text(f"""#!/bin/sh
case $1 in
    env) echo go9.0 ;;
    list) echo '{sdk}' ;;
    build)
        while [ "$1" != -o ]; do shift; done
        echo "$3" >>'{builds}'
        echo "#!/bin/sh" >"$2"
        /bin/chmod 755 "$2" ;;
esac
""")
    (programs / "go").chmod(0o755)
    return builds


def built(builds: Path) -> list[str]:
    """Return which packages were built since this was asked last."""
    names = [Path(line).name for line in builds.read_text().split()] if builds.exists() else []
    builds.unlink(missing_ok=True)
    return names


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v3.259.0", True),
        ("v3.260.0", True),
        ("v4.0.0", True),
        ("v3.258.9", False),
        ("v3.99.0", False),
        ("what?", False),
    ],
)
def test_an_installed_pulumi_must_be_new_enough(programs: Path, checkout: Checkout, version: str, enough: bool) -> None:
    add(programs, "pulumi", version)
    add(programs, "pulumi-language-python")
    assert engine.pinned(checkout) == "3.259.0"
    assert engine.installed(checkout) == (programs / "pulumi" if enough else None)


def test_an_installed_pulumi_without_its_language_host_does_not_count(programs: Path, checkout: Checkout) -> None:
    add(programs, "pulumi", "v3.259.0")
    assert engine.installed(checkout) is None


@pytest.mark.parametrize("where", ["checkout", "another"])
def test_one_that_a_checkout_has_built_is_not_installed_though_it_is_on_path(
    checkout: Checkout, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    built = Checkout(tmp_path / where).built / "bin"
    add(built, "pulumi", "v3.259.0")
    add(built, "pulumi-language-python")
    monkeypatch.setenv("PATH", f"{built}{os.pathsep}{programs}")
    assert engine.installed(checkout) is None


def test_with_an_installed_pulumi_nothing_is_built(programs: Path, checkout: Checkout) -> None:
    add(programs, "pulumi", "v3.259.0")
    add(programs, "pulumi-language-python")
    engine.ensure(checkout)
    assert not checkout.built.exists()


def test_what_was_built_gives_way_to_an_installed_pulumi_once_it_is_outdated(
    programs: Path, checkout: Checkout, tmp_path: Path
) -> None:
    add_go(programs, tmp_path / "sdk")
    engine.ensure(checkout)
    add(programs, "pulumi", "v3.259.0")
    add(programs, "pulumi-language-python")
    engine.ensure(checkout)
    assert engine.is_built(checkout)
    (checkout.toolchain / "go.sum").write_text("changed")
    engine.ensure(checkout)
    assert not checkout.built.exists()


def test_engine_and_language_host_are_built_once(programs: Path, checkout: Checkout, tmp_path: Path) -> None:
    builds = add_go(programs, tmp_path / "sdk")
    engine.ensure(checkout)
    assert built(builds) == ["pulumi", "language_host"]
    folder = checkout.built / "bin"
    names = {language_host.EXECUTOR, "pulumi", "pulumi-language-python"}
    assert {file.name for file in folder.iterdir() if os.access(file, os.X_OK)} == names
    engine.ensure(checkout)
    engine.build(checkout)
    assert built(builds) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("go.mod", ["pulumi", "language_host"]),
        ("go.sum", ["pulumi", "language_host"]),
        ("language_host/main.go", ["language_host"]),
        ("language_host/packages.py", ["language_host"]),
        ("language_host/command_test.go", []),
    ],
)
def test_what_changed_is_built_anew(
    programs: Path, checkout: Checkout, tmp_path: Path, changed: str, expected: list[str]
) -> None:
    builds = add_go(programs, tmp_path / "sdk")
    engine.ensure(checkout)
    built(builds)
    with (checkout.toolchain / changed).open("a") as file:
        file.write("\n")
    engine.ensure(checkout)
    assert built(builds) == expected
    assert engine.is_built(checkout)


def test_a_language_host_of_the_past_is_replaced(programs: Path, checkout: Checkout, tmp_path: Path) -> None:
    """It was a script, beside an engine whose stamp had another name."""
    builds = add_go(programs, tmp_path / "sdk")
    add(checkout.built / "bin", "pulumi", "v3.259.0")
    add(checkout.built / "bin", "pulumi-language-python", "of the past")
    (checkout.built / "made-from").write_text("0" * 64)
    engine.ensure(checkout)
    assert built(builds) == ["pulumi", "language_host"]
    assert "of the past" not in (checkout.built / "bin" / "pulumi-language-python").read_text()


def test_a_build_that_fails_leaves_what_was_there(programs: Path, checkout: Checkout, tmp_path: Path) -> None:
    add_go(programs, tmp_path / "sdk")
    engine.ensure(checkout)
    host = checkout.built / "bin" / "pulumi-language-python"
    before = host.stat().st_ino
    with (checkout.toolchain / "language_host" / "main.go").open("a") as file:
        file.write("a mistake")
    working = (programs / "go").read_text()
    (programs / "go").write_text(
        working.replace("    build)", "    build) echo 'a mistake' >&2; exit 1 ;;\n    never)")
    )
    with pytest.raises(SoopError, match="a mistake"):
        engine.ensure(checkout)
    assert host.stat().st_ino == before
    assert not engine.is_built(checkout)


def test_no_pulumi_and_no_go_is_one_line_that_says_what_to_do(programs: Path, checkout: Checkout) -> None:
    add(programs, "go", "go1.19.8")
    with pytest.raises(Trouble) as trouble:
        engine.build(checkout)
    assert "install it with Pulumi's own installer" in str(trouble.value)
    assert len(str(trouble.value).splitlines()) == 1


def test_the_engine_and_the_sdks_are_pinned_to_the_same_version() -> None:
    """The language host names the version of Go's, the programs run with Python's."""
    wanted = engine.pinned(Checkout(ROOT))
    assert go_module.pinned(Checkout(ROOT), language_host.SDK) == wanted
    assert f"\npulumi=={wanted} " in (ROOT / "requirements.txt").read_text()
