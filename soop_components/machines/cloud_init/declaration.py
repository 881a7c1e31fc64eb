"""A Bootstrap as a program declares it; attributes carry the provider's own names."""

from __future__ import annotations

import pulumi

from soop_components.machines.cloud_init import BOOTSTRAP


class Bootstrap(pulumi.CustomResource):
    """Made once for each machine; ``machine`` says what it is made of, and something else is another machine."""

    hostKey: pulumi.Output[str]
    userData: pulumi.Output[str]

    def __init__(
        self, name: str, machine: str, authorized_key: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> None:
        inputs = {"machine": machine, "authorizedKey": authorized_key, "hostKey": None, "userData": None}
        super().__init__(BOOTSTRAP, name, inputs, opts)
