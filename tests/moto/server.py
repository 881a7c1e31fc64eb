"""Moto's server, and what tests ask it for by plain HTTP."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

PACKAGES = Path(sys.prefix) / "moto"
"""The server with all that it needs; `make test` installs it."""
_REGION = "us-east-1"
_SIGNED = f"AWS4-HMAC-SHA256 Credential=of-tests/20260101/{_REGION}/{{service}}/aws4_request"
"""Tells moto which of AWS's services is meant, and that somebody asks; nobody looks at signatures."""
_PATIENCE = 120
"""Seconds until it answers, on a busy machine too."""
_DIRECTLY = build_opener(ProxyHandler({}))
"""Asks this computer, whatever proxy it has for others."""
_ADDRESS = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


class Moto:
    """A server that answers."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead Pulumi's AWS clients to it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": _REGION,
            "AWS_ACCESS_KEY_ID": "of-tests",
            "AWS_SECRET_ACCESS_KEY": "of-tests",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def make_bucket(self, name: str) -> str:
        """Make a bucket and return its URL as a backend of Pulumi."""
        self._ask("s3", f"/{name}", method="PUT")
        return f"s3://{name}?endpoint={self.url}&use_path_style=true&region={_REGION}"

    def make_key(self, alias: str) -> str:
        """Make a key and return its URL as a secrets provider of Pulumi."""
        key = json.loads(self._kms("CreateKey", {}))["KeyMetadata"]["KeyId"]
        self._kms("CreateAlias", {"AliasName": f"alias/{alias}", "TargetKeyId": key})
        return f"awskms:///alias/{alias}?region={_REGION}"

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """Return what lies in a bucket, by key."""
        listed = self._ask("s3", f"/{bucket}?list-type=2&prefix={prefix}").decode()
        keys = re.findall(r"<Key>([^<]+)</Key>", listed)
        return {key: self._ask("s3", f"/{bucket}/{quote(key)}") for key in keys}

    def _kms(self, verb: str, words: dict[str, str]) -> bytes:
        headers = {"X-Amz-Target": f"TrentService.{verb}", "Content-Type": "application/x-amz-json-1.1"}
        return self._ask("kms", "/", "POST", json.dumps(words).encode(), headers)

    def _ask(
        self, service: str, path: str, method: str = "GET", data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        signed = {"Authorization": _SIGNED.format(service=service), **(headers or {})}
        request = Request(self.url + path, data=data or None, headers=signed, method=method)
        with _DIRECTLY.open(request, timeout=_PATIENCE) as answer:
            content: bytes = answer.read()
        return content


@contextmanager
def running(folder: Path) -> Iterator[Moto]:
    """Run a server on a free port; what it says goes into a file of the folder."""
    assert (PACKAGES / "moto").is_dir(), "moto's server is not installed: `make test` installs it"
    log = folder / "moto.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"],
            env={**os.environ, "PYTHONPATH": str(PACKAGES), "PYTHONUNBUFFERED": "1"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Moto(_url(process, log))
    finally:
        process.terminate()
        process.wait()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return where a server answers, once it does."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if found := _ADDRESS.search(log.read_text()):
            try:
                _DIRECTLY.open(f"{found[1]}/moto-api/", timeout=_PATIENCE).close()
            except URLError:
                continue
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"moto's server does not answer: {log.read_text()}")
