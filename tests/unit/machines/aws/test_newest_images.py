"""The newest images of Debian, out of answers that AWS's own library checks against AWS's interface."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session
from botocore.stub import Stubber

from soop_components.cli.main import main
from soop_components.errors import SoopError
from soop_components.machines import NewestImage
from soop_components.machines.aws.newest_images import DEBIAN, found


@pytest.fixture
def aws() -> Iterator[Stubber]:
    secrets = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    with Stubber(get_session().create_client("ec2", region_name="eu-west-1", **secrets)) as stubber:
        yield stubber


def offered(aws: Stubber, base: str, *images: tuple[str, str, str]) -> None:
    """Let AWS have images of a base: day, name and id of each."""
    filters = [{"Name": "name", "Values": [f"{base}-amd64-*"]}, {"Name": "state", "Values": ["available"]}]
    answer = [
        {"CreationDate": f"{day}T07:00:00.000Z", "Name": f"{base}-amd64-{name}", "ImageId": id}
        for day, name, id in images
    ]
    aws.add_response("describe_images", {"Images": answer}, {"Owners": [DEBIAN], "Filters": filters})


def test_the_newest_image_of_each_base_is_found(aws: Stubber) -> None:
    offered(aws, "debian-12", ("2026-09-30", "1", "ami-00000009"), ("2026-11-01", "2", "ami-00000011"))
    offered(aws, "debian-13", ("2026-10-01", "3", "ami-00000010"))
    assert list(found(aws.client, {"debian-12": "ami-00000009", "debian-13": "ami-00000010"})) == [
        NewestImage("debian-12", "ami-00000011", "debian-12-amd64-2", "ami-00000009"),
        NewestImage("debian-13", "ami-00000010", "debian-13-amd64-3", "ami-00000010"),
    ]


def test_a_base_without_images_is_named(aws: Stubber) -> None:
    offered(aws, "debian-99")
    with pytest.raises(SoopError, match="no image of debian-99"):
        list(found(aws.client, {"debian-99": "ami-00000009"}))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dev", "machines of the kind local are not made of images"),
        ("nowhere", "there is no stacks/environments/nowhere.yaml"),
    ],
)
def test_environments_elsewhere_have_no_amis(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    (tmp_path / "stacks/environments").mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text("name: any\nruntime: python\n")
    (tmp_path / "stacks/environments/dev.yaml").write_text("machines: local\n")
    monkeypatch.chdir(tmp_path)
    assert main(["ami", name]) == 1
    assert said in capsys.readouterr().err
