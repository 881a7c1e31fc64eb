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
    from soop_components.machines.kinds import all_kinds
    from soop_components.plugin.server import serve
    from soop_components.provider.generated_secret import GeneratedSecretResource
    from soop_components.provider.key import KeyResource
    from soop_components.provider.release import ReleaseResource
    from soop_components.provider.release_group import ReleaseGroupResource
    from soop_components.provider.rollouts import Rollouts
    from soop_components.provider.servicer import Servicer

    of_machines = [resource for kind in all_kinds() for resource in kind.resources()]
    rollouts = Rollouts()
    releases = (ReleaseGroupResource(rollouts), ReleaseResource(rollouts))
    serve(start, Servicer([KeyResource(), GeneratedSecretResource(), *of_machines, *releases], VERSION))


if __name__ == "__main__":
    main()
