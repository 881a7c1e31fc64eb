"""A language host as a process of ours, spoken to as the engine does."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

ENDED_WELL = """
import os, signal, sys, time
def end(number, frame):
    open("ended-by", "w").write(signal.Signals(number).name)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
open("runs.new", "w").write(str(os.getpid()))
os.rename("runs.new", "runs")
time.sleep(600)
"""
"""A program that says when it runs, and by which signal it ended."""


class Host:
    """A running host, begun as the engine begins it: in a process group of its own, with a pipe that ends with us."""

    def __init__(self, program: Path, folder: Path, engine: str = "127.0.0.1:1", stdin: int = subprocess.PIPE) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [program, "--logtostderr", "-v=9", engine],
            cwd=folder,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        options = [("grpc.max_send_message_length", -1)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=options)
        self.calls = language_pb2_grpc.LanguageRuntimeStub(self.channel)

    def python(self, text: str) -> None:
        """Let the program's Python do ``text`` instead of what it is called with."""
        python = self.folder / "venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f"#!{sys.executable}\n{text}")
        python.chmod(0o755)

    def info(self, **options: Any) -> language_pb2.ProgramInfo:
        given = struct_pb2.Struct()
        given.update(options or {"virtualenv": "venv"})
        return language_pb2.ProgramInfo(
            root_directory=str(self.folder), program_directory=str(self.folder), entry_point=".", options=given
        )

    def run(self, **more: Any) -> Any:
        """Begin a program; the result is in the future."""
        return self.calls.Run.future(language_pb2.RunRequest(info=self.info(), **more))

    def run_until_it_waits(self, text: str) -> tuple[Any, int]:
        """Begin a program and return its future and its process."""
        self.python(text)
        result, mark = self.run(), self.folder / "runs"
        while not mark.exists():
            assert not result.done(), result.exception() or result.result()
            time.sleep(0.02)
        return result, int(mark.read_text())

    def end(self) -> tuple[bytes, bytes]:
        """Wait for the end, which must be a quiet one, and return what was still printed."""
        assert self.process.wait() == 0
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return self.process.stdout.read(), self.process.stderr.read()


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
