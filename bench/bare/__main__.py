"""The least that a Pulumi program can do: declare resources of a provider that does nothing."""

import pulumi


class Group(pulumi.ComponentResource):
    """A component."""

    def __init__(self, name: str) -> None:
        super().__init__("bare:index:Group", name)


class Thing(pulumi.CustomResource):
    """A custom resource."""

    def __init__(self, name: str, parent: pulumi.Resource | None) -> None:
        super().__init__("bare:index:Thing", name, {"name": name}, pulumi.ResourceOptions(parent=parent))


config = pulumi.Config("bare")
groups = [Group(f"group-{number}") for number in range(config.require_int("components"))]
for number in range(config.require_int("customs")):
    Thing(f"thing-{number}", groups[number % len(groups)] if groups else None)
