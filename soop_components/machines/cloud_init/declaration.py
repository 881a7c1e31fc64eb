"""A Bootstrap as a program declares it; attributes carry the provider's own names."""

from __future__ import annotations

from typing import Any

import pulumi

from soop_components.machines.cloud_init import BOOTSTRAP


class Bootstrap(pulumi.CustomResource):
    """Made once for each machine; ``machine`` says what it is made of, and something else is another machine.

    Where ``base`` is given, only another base is another machine, or that it is wanted ``anew``; ``machine`` is what it
    was made of until then.
    """

    machine: pulumi.Output[str]
    hostKey: pulumi.Output[str]
    userData: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        machine: str,
        authorized_key: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
        *,
        base: str = "",
        anew: bool = False,
    ) -> None:
        inputs: dict[str, Any] = {"machine": machine, "authorizedKey": authorized_key}
        inputs |= {"base": base} if base else {}
        inputs |= {"anew": True} if anew else {}
        super().__init__(BOOTSTRAP, name, {**inputs, "hostKey": None, "userData": None}, opts)
