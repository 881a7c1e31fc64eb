"""Start of the plugin ``pulumi-resource-soop``."""

from __future__ import annotations

from soop_components.provider.plugin import launcher


def main() -> None:
    """Be the plugin."""
    launcher.run(_serve)


def _serve(start: launcher.Start) -> None:
    """Serve the resources with Pulumi's protocol alone: its SDK would double the time to start."""
    from soop_components.provider.plugin.pulumi_protocol import stub_pulumi_sdk

    stub_pulumi_sdk()
    from soop_components.provider.plugin.server import serve

    serve(start)


if __name__ == "__main__":
    main()
