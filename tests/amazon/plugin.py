"""The plugin ``pulumi-resource-aws`` of the stand-in."""

from __future__ import annotations

from typing import Any

from tests.amazon import ACCOUNT
from tests.amazon.behaviour import BEHAVIOURS, created, refuse_deletion
from tests.amazon.effects import effects
from tests.native.behaviour import RefusedError
from tests.native.cloud import Cloud
from tests.native.plugin import run


class Amazon:
    version = "7.51.1"
    behaviours = BEHAVIOURS

    def configure(self, settings: dict[str, Any]) -> None:
        if ACCOUNT not in str(settings.get("allowedAccountIds", "")):
            raise RefusedError(f"AWS account ID not allowed: {ACCOUNT}")

    def created(self, cloud: Cloud, token: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        outputs = created(cloud, token, inputs)
        return cloud.new_id(BEHAVIOURS[token].prefix), outputs

    def refuse_deletion(self, cloud: Cloud, token: str, id: str) -> None:
        refuse_deletion(cloud, token, id)


if __name__ == "__main__":
    run(Amazon(), effects)
