"""The way to the root helper: ``sudo`` where the caller is not root."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from soop_components.errors import SoopError

_HELPER = Path(__file__).parent / "root_helper"
_PYTHON = "/usr/bin/python3"


async def call(verb: str, request: dict[str, Any]) -> Any:
    """Let the root helper carry out a verb and return its answer; a cancelled caller waits until it has finished."""
    argv = [_PYTHON, "-I", "-B", str(_HELPER), verb]
    if os.geteuid() != 0:
        argv = ["sudo", "-n", *argv]
    work = asyncio.ensure_future(_run(argv, json.dumps(request).encode()))
    try:
        code, output, errors = await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
    return _answer(verb, code, output, errors)


async def _run(argv: list[str], stdin: bytes) -> tuple[int, bytes, bytes]:
    pipe = asyncio.subprocess.PIPE
    # The helper believes only its own ``sudo`` who the caller is, not an outer one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUDO_")}
    try:
        process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
    except FileNotFoundError as error:
        raise SoopError(f"{argv[0]} is not installed", f"as root: apt-get install {Path(argv[0]).name}") from error
    output, errors = await process.communicate(stdin)
    return process.returncode or 0, output, errors


def _answer(verb: str, code: int, output: bytes, errors: bytes) -> Any:
    try:
        answer = json.loads(output)
    except ValueError as error:
        said = errors.decode(errors="replace").strip()[-800:]
        if "sudo:" in said:
            message = "local machines need root rights and sudo asks for a password"
            raise SoopError(message, "run `sudo -v` first") from error
        raise SoopError(f"the root helper failed at {verb} with exit code {code}: {said}") from error
    if "error" in answer:
        raise SoopError(answer["error"]["message"], answer["error"]["hint"])
    return answer["result"]
