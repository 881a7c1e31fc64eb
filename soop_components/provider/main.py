"""Start of the plugin ``pulumi-resource-soop``."""

from __future__ import annotations

from soop_components import VERSION, plugin


def main() -> None:
    """Be the plugin."""
    plugin.run(_serve)


def _serve(start: plugin.ServerStart) -> None:
    """Serve the resources with Pulumi's protocol alone: its SDK would double the time to start."""
    from soop_components.plugin.pulumi_protocol import stub_pulumi_sdk

    stub_pulumi_sdk()
    from soop_components.plugin.server import serve
    from soop_components.provider.registry import all_resources
    from soop_components.provider.servicer import Servicer

    serve(start, Servicer(all_resources(), VERSION))


if __name__ == "__main__":
    main()
