"""A Host as a program declares it; attributes carry the provider's own names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from soop_components.machines.host import HOST


class Host(pulumi.CustomResource):
    """A machine made ready to be a node; ``soop_components/machines/host/resource.py`` says what ``spec`` holds."""

    place: pulumi.Output[Mapping[str, Any]]

    def __init__(
        self,
        name: str,
        spec: Mapping[str, pulumi.Input[Any]],
        private_key: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        inputs = {"spec": spec, "privateKey": private_key, "place": None}
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True))
        super().__init__(HOST, name, inputs, opts)
