"""A stand-in for the plugin ``pulumi-resource-soop``: its processes and servicer, with the resources beside it."""

from __future__ import annotations

from soop_components import plugin


def _serve(start: plugin.ServerStart) -> None:
    from soop_components.plugin.pulumi_protocol import stub_pulumi_sdk

    stub_pulumi_sdk()
    from soop_components.plugin.server import serve
    from soop_components.provider.servicer import Servicer
    from tests.engine.stand_in.resources import all_resources

    serve(start, Servicer(all_resources(), "1"))


if __name__ == "__main__":
    plugin.run(_serve)
