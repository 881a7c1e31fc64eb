"""What an update of a Release means, in the words of `soop plan`, for Pulumi's own preview."""

from __future__ import annotations

from collections.abc import Collection

from soop_components.provider.wire import Properties


def announcement(
    name: str, inputs: Properties, outputs: Properties, wanted: Properties, changed: Collection[str]
) -> list[str]:
    """Return lines: what happens with the service, and with which nodes; ``changed`` are paths of what differs."""
    from soop_components.preview import ResourceStep, preview_of_steps  # only where something changes
    from soop_components.preview.resources import RELEASE
    from soop_components.preview.words import node_lines, service_in_words

    step = ResourceStep("update", RELEASE, name, inputs, outputs, wanted, tuple(changed))
    (service,) = preview_of_steps(name, [step]).services
    return [service_in_words(service), *node_lines(service.nodes)]
