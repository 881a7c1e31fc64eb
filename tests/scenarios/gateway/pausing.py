"""Upgrades of the access service that wait on a web node, before its program is changed, until they are let go on."""

from __future__ import annotations

from tests.scenarios.gateway.gate import DOMAIN
from tests.scenarios.migrations.on_node import OnNode
from tests.scenarios.trouble.beacon import UP, Run
from tests.scenarios.workspace import Workspace, eventually

_PAUSE = """\
#!/bin/sh
touch /run/at-pause
while test -e /run/hold-pause; do sleep 0.05; done
rm -f /run/at-pause
"""
_COMPONENT = """\
components:
  pause: {uses: script, with: {program: pause.sh, environment: {VERSION: "{{ service.version }}"}}}
"""


def build(project: Workspace, version: str) -> str:
    """Build the access service as it is, under another version, with such a pause; return its reference."""
    folder = project.root / "service_defs/access-service"
    definition, program = folder / "service.yaml", folder / "pause.sh"
    plain = definition.read_text()
    text = plain.replace("components:\n", _COMPONENT, 1).replace("components: [api,", "components: [pause, api,")
    assert text.count("pause") == 3
    program.write_text(_PAUSE)
    program.chmod(0o755)
    definition.write_text(text)
    try:
        project.must("soop", "build", "--version", version, "service_defs/access-service")
    finally:
        program.unlink()
        definition.write_text(plain)
    return f"access-service-{version}"


def hold(*nodes: OnNode) -> None:
    """Let the next upgrade wait on these nodes."""
    for node in nodes:
        node.sh("touch /run/hold-pause")


def let_go(*nodes: OnNode) -> None:
    """Let it go on."""
    for node in nodes:
        node.sh("rm -f /run/hold-pause")


def begin(project: Workspace, *nodes: OnNode) -> Run:
    """Begin a bare update, and wait until it waits on each of these nodes."""
    run = Run(project, *UP, "--stack", DOMAIN)

    def waits() -> bool:
        assert run.process.poll() is None, f"it ended before it was there:\n{run.text}"
        return all(node.has("test -e /run/at-pause") for node in nodes)

    eventually(waits, 240)
    return run
