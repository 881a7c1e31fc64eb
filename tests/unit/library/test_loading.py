from __future__ import annotations

import os
from pathlib import Path

import pytest

from soop_components.errors import InvalidInput
from soop_components.library import LIBRARY, block_names, load_block
from soop_components.library.block_collections import collection_folder
from soop_components.model.service import BlocksFrom

BLOCK = "format: 1\nblock: own\nsummary: mine\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "blocks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_the_library_loads() -> None:
    assert block_names() == sorted(path.parent.name for path in LIBRARY.glob("*/block.yaml"))
    for name in block_names():
        loaded = load_block(name)
        assert loaded.block.block == name
        files = (path if path.is_file() else path / "__main__.py" for path in loaded.files.values())
        assert all(path.is_file() and (path.name == "__main__.py" or os.access(path, os.X_OK)) for path in files)
        assert all(parameter.summary for parameter in loaded.block.parameters.values())
    assert set(load_block("postgresql").files) == {
        ".block/postgresql/cluster.sh",
        ".block/postgresql/database.sh",
        ".block/postgresql/hand_over.sh",
        ".block/postgresql/migrate",
    }
    assert "[Unit]" in load_block("systemd_service").block.templates["unit.j2"]


def test_a_service_brings_blocks_of_its_own(tmp_path: Path) -> None:
    service = write(
        tmp_path,
        {
            "own/block.yaml": BLOCK + "scripts: [{name: go, program: bin/go.sh}]\n",
            "own/bin/go.sh": "#!/bin/sh\n",
            "own/conf/a.j2": "text {{ params.x }}",
            "files/block.yaml": BLOCK.replace("own", "files"),
        },
    )
    own = load_block("own", service)
    assert own.files == {".block/own/bin/go.sh": service / "blocks/own/bin/go.sh"}
    assert own.block.templates == {"conf/a.j2": "text {{ params.x }}"}
    assert "own" in block_names(service)
    assert load_block("files", service).block.summary == "mine"
    assert load_block("files").folder == LIBRARY / "files"


PUBLISHED = "format: 1\nversion: {}\n"


def publish(folder: Path, version: str, where: str = "") -> Path:
    place = folder / "platform-blocks" / where
    (place / "own").mkdir(parents=True)
    (place / "blocks.yaml").write_text(PUBLISHED.format(version))
    (place / "own/block.yaml").write_text(BLOCK.replace("mine", f"theirs, {version}"))
    return place


def test_others_publish_blocks_in_versions(tmp_path: Path) -> None:
    service = tmp_path / "services/x"
    service.mkdir(parents=True)
    for version in ("1.2.0", "1.3.0"):
        publish(tmp_path, version, version)
    wanted = BlocksFrom.model_validate({"from": "../../platform-blocks", "version": "1.3.0"})
    theirs = collection_folder(service, wanted)
    assert load_block("own", service, [theirs]).block.summary == "theirs, 1.3.0"
    assert load_block("files", service, [theirs]).folder == LIBRARY / "files"
    service = write(tmp_path, {"own/block.yaml": BLOCK})
    assert load_block("own", service, [theirs]).block.summary == "mine"
    with pytest.raises(InvalidInput, match=r"has neither blocks.yaml nor 1.4.0/blocks.yaml; there is 1.2.0, 1.3.0"):
        collection_folder(tmp_path / "services/x", wanted.model_copy(update={"version": "1.4.0"}))
    (theirs / "own/block.yaml").write_text(BLOCK + "nonsense: 1\n")
    with pytest.raises(InvalidInput, match=r"platform-blocks/1.3.0/own/block.yaml: nonsense"):
        load_block("own", None, [theirs])


def test_a_folder_with_one_version_has_to_be_the_one_that_is_wanted(tmp_path: Path) -> None:
    publish(tmp_path, "1.2.0")
    wanted = BlocksFrom.model_validate({"from": "platform-blocks", "version": "1.2.0"})
    assert collection_folder(tmp_path, wanted) == tmp_path / "platform-blocks"
    other = wanted.model_copy(update={"version": "1.3.0"})
    with pytest.raises(InvalidInput, match=r"platform-blocks/blocks.yaml: is version 1.2.0, not 1.3.0"):
        collection_folder(tmp_path, other)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "no block own"),
        ({"own/block.yaml": "block: own\n"}, "blocks/own/block.yaml: format: is required"),
        ({"own/block.yaml": BLOCK + "block: own\n"}, "blocks/own/block.yaml: block: line 4 repeats the key of line 2"),
        ({"own/block.yaml": BLOCK + "file: {}\n"}, "blocks/own/block.yaml: file: unknown key; did you mean files?"),
        (
            {"own/block.yaml": BLOCK.replace("own", "other")},
            "blocks/own/block.yaml: block: expected own, as the folder is called",
        ),
        (
            {"own/block.yaml": BLOCK + "templates: {a.j2: x}\n"},
            "blocks/own/block.yaml: templates: unknown key; *.j2 files are found",
        ),
        (
            {"own/block.yaml": BLOCK + "scripts: [{name: go, program: go.sh}]\n"},
            "blocks/own/block.yaml: scripts: the block has no file go.sh",
        ),
        (
            {"own/block.yaml": BLOCK + f"scripts: [{{name: go, program: {'a' * 5000}}}]\n"},
            "blocks/own/block.yaml: scripts: the block has no file aaa",
        ),
        (
            {"own/block.yaml": BLOCK + "scripts: [{name: go, program: go}]\n", "own/go/run.py": ""},
            "blocks/own/block.yaml: scripts: the folder go is no program: it has no file __main__.py",
        ),
        (
            {"own/block.yaml": BLOCK + "scripts: [{name: go, program: a/go-on}]\n", "own/a/go-on/__main__.py": ""},
            "blocks/own/block.yaml: scripts: the folder a/go-on is no Python package: expected a name of letters",
        ),
        (
            {"own/block.yaml": BLOCK + "parameters: {a: {type: string, pattern: '{{ x }}'}}\n"},
            "blocks/own/block.yaml: parameters.a.pattern: expected a regular expression without look-around and back",
        ),
        (
            {"own/block.yaml": BLOCK + "scripts: [{name: go, program: ../go.sh}]\n", "go.sh": ""},
            "blocks/own/block.yaml: scripts",
        ),
        (
            {"own/block.yaml": BLOCK + "files: {/etc/a: {}}\n"},
            "files./etc/a: expected one of content, template, source, not none",
        ),
        (
            {"own/block.yaml": BLOCK + "files: {/a: {content: x, source: y}}\n"},
            "files./a: expected one of content, template, source",
        ),
        (
            {"own/block.yaml": BLOCK + "parameters: {a: {type: text}}\n"},
            "blocks/own/block.yaml: parameters.a.type: expected",
        ),
        (
            {"own/block.yaml": BLOCK + "parameters: {a: {type: any, required: true, default: 1}}\n"},
            "is required and has a default",
        ),
        ({"own/block.yaml": BLOCK, "own/a.j2": "x" * (1 << 21)}, "blocks/own/a.j2: expected a file of at most 1 MiB"),
    ],
)
def test_mistakes_in_a_block_are_reported(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        load_block("own", write(tmp_path, files))
    assert problem in str(raised.value)


def test_a_mistake_inside_of_what_may_be_of_several_kinds_is_reported_once(tmp_path: Path) -> None:
    scripts = "scripts: [{name: a, content: x, arguments: [[1]]}, {name: b, content: x, arguments: {}}]\n"
    with pytest.raises(InvalidInput) as raised:
        load_block("own", write(tmp_path, {"own/block.yaml": BLOCK + scripts}))
    assert raised.value.problems == (
        "blocks/own/block.yaml: scripts[0].arguments[0]: expected text (got a list)",
        "blocks/own/block.yaml: scripts[1].arguments: expected a list or text (got a mapping)",
    )


@pytest.mark.parametrize("name", ["../library/files", "Files", "", ".", "nginx_sit"])
def test_names_of_blocks(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"no block .*(did you mean|there is)"):
        load_block(name)


def test_what_leads_out_of_a_block_is_refused(tmp_path: Path) -> None:
    service = write(tmp_path, {"own/block.yaml": BLOCK + "scripts: [{name: go, program: go.sh}]\n", "secret": "x"})
    (service / "blocks/own/go.sh").symlink_to(tmp_path / "blocks/secret")
    with pytest.raises(InvalidInput, match=r"the block has no file go\.sh"):
        load_block("own", service)
    (service / "blocks/own/go.sh").unlink()
    (service / "blocks/own/go.sh").write_text("")
    (service / "blocks/own/a.j2").symlink_to(tmp_path / "blocks/secret")
    with pytest.raises(InvalidInput, match=r"blocks/own/a\.j2: expected a file"):
        load_block("own", service)


def test_what_leads_out_of_a_program_s_folder_is_refused(tmp_path: Path) -> None:
    files = {"own/block.yaml": BLOCK + "scripts: [{name: go, program: go}]\n", "own/go/__main__.py": "", "secret": "x"}
    service = write(tmp_path, files)
    assert set(load_block("own", service).files) == {".block/own/go"}
    (service / "blocks/own/go/words.py").symlink_to(tmp_path / "blocks/secret")
    with pytest.raises(InvalidInput, match=r"scripts: go/words\.py is not a file in the block's folder"):
        load_block("own", service)
