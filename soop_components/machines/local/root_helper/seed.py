"""The few files that make a copy of the base image one particular machine."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

from .failure import Refused
from .files import new_file, open_folder, opened, path_of
from .request import PRIVATE_KEY, HostKey, Spec, text

_RESOLVER = "# There is no name server: the names of the domain are in /etc/hosts.\n"
_LONGEST_HOST_NAME = 64
_HOST_KEY = "ssh_host_ed25519_key"
_LONGEST_KEY = 8192
_FOLDERS = {"root": 0o700, "root/.ssh": 0o700}
"""Modes of folders that are made on the way; others have 0755."""


def write_files(upper: Path, spec: Spec, host_key: HostKey) -> None:
    """Write what a new machine needs into its empty upper layer."""
    host_name = spec.name if len(spec.name) <= _LONGEST_HOST_NAME else spec.name.partition(".")[0]
    _write(upper, "etc/hostname", f"{host_name}\n", 0o644)
    _write(upper, "etc/resolv.conf", _RESOLVER, 0o644)
    _write(upper, "etc/machine-id", f"{uuid4().hex}\n", 0o444)
    _write(upper, f"etc/ssh/{_HOST_KEY}", host_key.private, 0o600)
    _write(upper, f"etc/ssh/{_HOST_KEY}.pub", f"{host_key.public}\n", 0o644)
    authorize(upper, spec)


def private_key(upper: int, name: str) -> str:
    """Return the host key that a machine, which does not run, has in its open upper layer."""
    try:
        with ExitStack() as stack:
            folder = open_folder(stack, "ssh", open_folder(stack, "etc", upper))
            with opened(path_of(folder) / _HOST_KEY) as descriptor:
                content = os.read(descriptor, _LONGEST_KEY).decode(errors="replace")
        return text(content, PRIVATE_KEY, "host key")
    except (OSError, Refused) as error:
        hint = "let it be made anew with another one: pulumi up --replace with the URN of the machine"
        raise Refused(f"{name} has lost its SSH host key", hint) from error


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
