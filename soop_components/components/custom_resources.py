"""The custom resources of provider ``soop`` as a program declares them; attributes carry the provider's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi


class Provider(pulumi.ProviderResource):
    """The provider itself, declared so that the stack's configuration does not become its inputs."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("soop", name, {}, opts)


class Key(pulumi.CustomResource):
    """The key pair of a domain's deployer."""

    publicKey: pulumi.Output[str]
    privateKey: pulumi.Output[str]

    def __init__(self, name: str, comment: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("soop:index:Key", name, {"comment": comment, "publicKey": None, "privateKey": None}, opts)


class GeneratedSecret(pulumi.CustomResource):
    """A secret made up once: of so many characters, or a certificate for the nodes whose names end in this text."""

    value: pulumi.Output[str]

    def __init__(self, name: str, made: int | str, opts: pulumi.ResourceOptions) -> None:
        what = "length" if isinstance(made, int) else "certificate"
        super().__init__("soop:index:Secret", name, {what: made, "value": None}, opts)


class Release(pulumi.CustomResource):
    """A service on its nodes; outputs are what was accepted."""

    service: pulumi.Output[str]
    version: pulumi.Output[str]
    digest: pulumi.Output[str]
    since: pulumi.Output[str]
    endpoints: pulumi.Output[Mapping[str, Sequence[str]]]
    status: pulumi.Output[Mapping[str, Any]]
    acceptedSecrets: pulumi.Output[Mapping[str, str]]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        outputs = dict.fromkeys(("since", "status", "acceptedSecrets"))
        super().__init__("soop:index:Release", name, {**inputs, **outputs}, opts)


class ReleaseGroup(pulumi.CustomResource):
    """Services that are deployed together; ``accepted`` has the outputs of each one's Release."""

    accepted: pulumi.Output[Mapping[str, Any]]

    def __init__(self, services: Mapping[str, Mapping[str, Any]], opts: pulumi.ResourceOptions) -> None:
        inputs = {"services": services, "order": list(services), "accepted": None}
        super().__init__("soop:index:ReleaseGroup", "+".join(sorted(services)), inputs, opts)
