"""The gateway to Pulumi's engine, the ``pulumi`` command: what runs it, and what its state, locks and history say."""

from soop_components.engine.engine import Engine
from soop_components.engine.history import Run
from soop_components.engine.past_runs import PastRun
from soop_components.engine.stack_locks import Lock
from soop_components.engine.state import DeployedNode, Release, StackState

__all__ = ["DeployedNode", "Engine", "Lock", "PastRun", "Release", "Run", "StackState"]
