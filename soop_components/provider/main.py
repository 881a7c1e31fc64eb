"""Start of the plugin ``pulumi-resource-soop``."""

from __future__ import annotations

from soop_components.protocol_only import spare_the_sdk


def main() -> None:
    """Serve the resources with Pulumi's protocol alone: its SDK would double the time to start."""
    spare_the_sdk()
    from soop_components.provider.server import run

    run()


if __name__ == "__main__":
    main()
