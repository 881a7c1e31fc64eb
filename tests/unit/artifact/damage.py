"""Changes in a store that nothing of ours would make."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soop_components.artifact.store import Store
from soop_components.errors import SoopError

NAME = "greeting-service-1.0.0"


def problems(store: Store) -> list[str]:
    return [problem for _, found in Store(store.layout.path).verify() for problem in found]


def refused(store: Store, reference: str = NAME) -> SoopError:
    with pytest.raises(SoopError) as caught:
        Store(store.layout.path).open(reference)
    return caught.value


def index_of(store: Store) -> Any:
    return json.loads((store.layout.path / "index.json").read_bytes())


def write_index(store: Store, index: Any) -> None:
    (store.layout.path / "index.json").write_text(json.dumps(index))


def put(store: Store, content: bytes) -> tuple[str, int]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    store.layout.blob_file(digest).write_bytes(content)
    return digest, len(content)


def rewrite(store: Store, edit: Callable[[Any], None], what: str = "manifest") -> None:
    """Change manifest or definition, with digests that fit again."""
    index = index_of(store)
    entry = index["manifests"][0]
    manifest = json.loads(store.layout.blob_file(entry["digest"]).read_bytes())
    if what == "definition":
        definition = json.loads(store.layout.blob_file(manifest["config"]["digest"]).read_bytes())
        edit(definition)
        manifest["config"]["digest"], manifest["config"]["size"] = put(store, json.dumps(definition).encode())
    else:
        edit(manifest)
    entry["digest"], entry["size"] = put(store, json.dumps(manifest).encode())
    write_index(store, index)


def blob_of(store: Store, media_type: str) -> Path:
    layers = store.open(NAME).manifest.layers
    return store.layout.blob_file(next(layer.digest for layer in layers if layer.media_type == media_type))


def twisted(store: Store, edit: Callable[[Any], None]) -> SoopError:
    """Change the definition, and see that opening it is refused with what to do."""
    rewrite(store, edit, "definition")
    error = refused(store)
    (entry,) = index_of(store)["manifests"]
    config = json.loads(store.layout.blob_file(entry["digest"]).read_bytes())["config"]
    assert f"blob {config['digest']}" in error.message
    assert error.hint is not None
    assert "soop build" in error.hint
    assert len(problems(store)) == 1
    return error
