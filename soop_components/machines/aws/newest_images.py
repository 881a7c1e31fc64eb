"""Asks AWS for the newest image of each Debian, for who pins it in an environment's file."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from soop_components.errors import SoopError
from soop_components.machines import NewestImage

if TYPE_CHECKING:
    from soop_components.machines.aws.settings import AwsSettings

DEBIAN = "136693071363"
"""Debian's own account, https://wiki.debian.org/Cloud/AmazonEC2Image."""


def newest_images(settings: AwsSettings) -> list[NewestImage]:
    """Return the newest image of each base that an environment names, with AWS's credentials of whoever runs this."""
    if find_spec("botocore") is None:
        raise SoopError("this needs the Python package botocore", "install it: pip install 'soop-components[aws]'")
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import get_session

    try:
        return list(found(get_session().create_client("ec2", region_name=settings.region), settings.images))
    except (BotoCoreError, ClientError) as error:
        hint = "credentials are taken as AWS's own tools take them; the right is ec2:DescribeImages"
        raise SoopError(f"AWS, {settings.region}: {error}", hint) from error


def found(ec2: Any, pinned: dict[str, str]) -> Iterable[NewestImage]:
    """Ask for each base, ``debian-12``."""
    for base, ami in pinned.items():
        filters = [{"Name": "name", "Values": [f"{base}-amd64-*"]}, {"Name": "state", "Values": ["available"]}]
        images = ec2.describe_images(Owners=[DEBIAN], Filters=filters)["Images"]
        if not images:
            raise SoopError(f"Debian offers no image of {base} in this region")
        newest = max(images, key=lambda image: image["CreationDate"])
        yield NewestImage(base, newest["ImageId"], newest["Name"], ami)
