"""What happens where a provider is stood in for, besides that it is recorded."""

from __future__ import annotations

from typing import Any


class Effects:
    """Nothing happens."""

    def made(self, token: str, id: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Make what a new resource stands for, and return what is known of it only then."""
        return {}

    def found(self, token: str, outputs: dict[str, Any]) -> dict[str, Any]:
        """Look at what a resource stands for, and return what has become of it by itself."""
        return {}

    def changed(self, token: str, id: str, inputs: dict[str, Any]) -> None:
        """Change what a resource stands for."""

    def gone(self, token: str, id: str, outputs: dict[str, Any]) -> None:
        """Remove what a resource stood for."""

    def settle(self, token: str) -> None:
        """Let all else follow a change of what exists; the record says what does."""
