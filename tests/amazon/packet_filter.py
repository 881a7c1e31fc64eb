"""Security groups as packet filters in the network namespaces of instances, where these do not reach them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_ANY = "-1"
"""The protocol of a rule that lets everything in."""


def ruleset(groups: Iterable[str], rules: Iterable[Mapping[str, Any]], members: Mapping[str, list[str]]) -> str:
    """Return the rules of an instance as ``nft`` reads them; ``members`` are the addresses of each group's instances.

    No connections are tracked, since not every kernel does so: an answer is what begins no connection.
    """
    mine = set(groups)
    accepted = [line for rule in rules if rule["securityGroupId"] in mine for line in _accepted(rule, members)]
    return "\n".join(
        [
            "table inet ec2",
            "delete table inet ec2",
            "table inet ec2 {",
            "  chain input {",
            "    type filter hook input priority filter; policy drop;",
            '    iifname "lo" accept',
            "    tcp flags & (syn | ack) != syn accept",
            *(f"    {line} accept" for line in accepted),
            "  }",
            "}",
            "",
        ]
    )


def _accepted(rule: Mapping[str, Any], members: Mapping[str, list[str]]) -> Iterable[str]:
    port = "" if str(rule["ipProtocol"]) == _ANY else f" tcp dport {int(rule['fromPort'])}-{int(rule['toPort'])}"
    if group := rule.get("referencedSecurityGroupId"):
        yield from (f"ip saddr {address}{port}" for address in members.get(group, []))
    elif network := rule.get("cidrIpv4"):
        yield f"ip saddr {network}{port}"
    elif network := rule.get("cidrIpv6"):
        yield f"ip6 saddr {network}{port}"
