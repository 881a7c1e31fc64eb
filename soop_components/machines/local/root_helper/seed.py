"""The few files that make a copy of the base image one particular machine."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

from .failure import Refused
from .files import new_file, open_folder, path_of
from .request import HostKey, Spec

_RESOLVER = "# There is no name server: the names of the domain are in /etc/hosts.\n"
_LONGEST_HOST_NAME = 64
_FOLDERS = {"root": 0o700, "root/.ssh": 0o700}
"""Modes of folders that are made on the way; others have 0755."""


def write_files(upper: Path, spec: Spec, host_key: HostKey) -> None:
    """Write what a new machine needs into its empty upper layer."""
    host_name = spec.name if len(spec.name) <= _LONGEST_HOST_NAME else spec.name.partition(".")[0]
    _write(upper, "etc/hostname", f"{host_name}\n", 0o644)
    _write(upper, "etc/resolv.conf", _RESOLVER, 0o644)
    _write(upper, "etc/machine-id", f"{uuid4().hex}\n", 0o444)
    _write(upper, "etc/ssh/ssh_host_ed25519_key", host_key.private, 0o600)
    _write(upper, "etc/ssh/ssh_host_ed25519_key.pub", f"{host_key.public}\n", 0o644)
    authorize(upper, spec)


def authorize(root: Path, spec: Spec) -> None:
    """Write who may log in, into the upper layer of a machine that does not run or into the root of one that does."""
    _write(root, "root/.ssh/authorized_keys", "".join(f"{key}\n" for key in spec.authorized_keys), 0o600)


def _write(root: Path, path: str, content: str, mode: int) -> None:
    """Write one file, following no symbolic link: a machine that runs, or ran before, may have left any."""
    *folders, name = path.split("/")
    temporary = f".{name}.soop"
    try:
        with ExitStack() as stack:
            folder = open_folder(stack, root)
            for depth, part in enumerate(folders, 1):
                with suppress(FileExistsError):
                    os.mkdir(part, _FOLDERS.get("/".join(folders[:depth]), 0o755), dir_fd=folder)
                folder = open_folder(stack, part, folder)
            with new_file(path_of(folder) / temporary, mode) as file:
                file.write(content)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        raise Refused(f"/{path} of the machine cannot be written: {error.strerror}", "replace the machine") from error
