"""Security groups: one for all nodes of a domain, and one for each role that is reached from outside of it.

Each rule is a resource of its own, one network each: rules inside of a group's resource would overwrite them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi
import pulumi_aws as aws

from soop_components.machines.aws.openings import Opening
from soop_components.machines.aws.settings import AwsEnvironment
from soop_components.model.firewall import EVERYWHERE, SSH
from soop_components.model.names import NodeName


class SecurityGroups:
    """Who reaches the nodes of a domain: deployers by SSH, the domain's nodes each other, others what is opened."""

    def __init__(
        self, domain: str, environment: AwsEnvironment, provider: aws.Provider, parent: pulumi.Resource
    ) -> None:
        self._domain = domain
        self._vpc = environment.aws.vpc
        self._options = pulumi.ResourceOptions(parent=parent, provider=provider)
        self._all = self._group(domain, f"Nodes of the domain {domain}", {})
        self._by_role: dict[tuple[str, str], aws.ec2.SecurityGroup] = {}
        self._allow_in(self._all, f"{domain}.nodes", ip_protocol="-1", referenced_security_group_id=self._all.id)
        for network in environment.security.ssh_from:
            self._allow_port(self._all, f"{domain}.ssh", SSH, network)
        for network in EVERYWHERE:
            name = f"{domain}.out-to-{_in_a_name(network)}"
            aws.vpc.SecurityGroupEgressRule(
                name,
                security_group_id=self._all.id,
                ip_protocol="-1",
                tags={"Name": name, "soop:domain": domain},
                opts=self._options,
                **_cidr(network),
            )

    def open(self, openings: Iterable[Opening]) -> None:
        """Open ports of roles."""
        for opening in openings:
            name = f"{opening.role}.{opening.service}.{self._domain}"
            group = self._by_role.get((opening.service, opening.role))
            if group is None:
                tags = {"soop:service": opening.service, "soop:role": opening.role}
                group = self._group(name, f"What is open of {name}", tags)
                self._by_role[opening.service, opening.role] = group
            self._allow_port(group, f"{name}.{opening.port}", opening.port, opening.network)

    def of(self, node: NodeName) -> list[pulumi.Input[str]]:
        """Return the ids of a node's groups."""
        group = self._by_role.get((node.service, node.role))
        return [self._all.id, *([group.id] if group else [])]

    def _group(self, name: str, description: str, tags: dict[str, str]) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            name,
            description=description,
            vpc_id=self._vpc,
            tags={"Name": name, "soop:domain": self._domain, **tags},
            opts=self._options,
        )

    def _allow_port(self, group: aws.ec2.SecurityGroup, name: str, port: int, network: str) -> None:
        name = f"{name}-from-{_in_a_name(network)}"
        self._allow_in(group, name, ip_protocol="tcp", from_port=port, to_port=port, **_cidr(network))

    def _allow_in(self, group: aws.ec2.SecurityGroup, name: str, **rule: Any) -> None:
        tags = {"Name": name, "soop:domain": self._domain}
        aws.vpc.SecurityGroupIngressRule(name, security_group_id=group.id, tags=tags, opts=self._options, **rule)


def _cidr(network: str) -> dict[str, Any]:
    """Return a network as an argument; its type is that of any, since it is spread among arguments of other types."""
    return {"cidr_ipv6" if ":" in network else "cidr_ipv4": network}


def _in_a_name(network: str) -> str:
    """Return a network without the colons that separate the parts of a URN."""
    return network.replace(":", "-")
