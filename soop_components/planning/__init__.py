"""Planning: definitions become plans, by pure functions; nothing is read, written or run."""

from __future__ import annotations

from soop_components.planning.service import plan_service

__all__ = ["plan_service"]
