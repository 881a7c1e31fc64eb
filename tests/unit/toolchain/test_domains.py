"""Which domains must be destroyed before their state may go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bootstrap import domains
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / ".soop/state/.pulumi/stacks/soop").mkdir(parents=True)
    return Checkout(tmp_path)


def deploy(checkout: Checkout, domain: str, *types: str) -> None:
    resources = [{"type": each} for each in types]
    state = {"version": 3, "checkpoint": {"latest": {"resources": resources}}}
    (checkout.home / f"state/.pulumi/stacks/soop/{domain}.json").write_text(json.dumps(state))


def test_domains_are_those_of_the_state(checkout: Checkout) -> None:
    deploy(checkout, "dev-two", "pulumi:pulumi:Stack")
    deploy(checkout, "dev-one", "pulumi:pulumi:Stack")
    assert domains.known(checkout) == ["dev-one", "dev-two"]


def test_a_local_domain_goes_with_this_machines_files(checkout: Checkout) -> None:
    deploy(checkout, "dev-one", "pulumi:pulumi:Stack", "pulumi:providers:soop", "soop:index:Machine")
    assert not domains.lies_elsewhere(checkout, "dev-one")


def test_a_domain_in_a_cloud_does_not(checkout: Checkout) -> None:
    deploy(checkout, "prod-one", "pulumi:pulumi:Stack", "aws:ec2/instance:Instance")
    assert domains.lies_elsewhere(checkout, "prod-one")


def test_a_stack_that_was_never_deployed_has_nothing_anywhere(checkout: Checkout) -> None:
    (checkout.home / "state/.pulumi/stacks/soop/dev-new.json").write_text('{"version": 3, "checkpoint": {}}')
    assert not domains.lies_elsewhere(checkout, "dev-new")


def test_a_domain_is_found_in_the_state_of_this_checkout(checkout: Checkout) -> None:
    deploy(checkout, "dev-one", "pulumi:pulumi:Stack")
    assert domains.exists(checkout, "dev-one")
    assert not domains.exists(checkout, "dev-two")


def test_a_domain_is_found_in_state_that_lies_elsewhere(checkout: Checkout) -> None:
    (checkout.root / "Pulumi.yaml").write_text("name: soop\nbackend:\n  url: s3://state\n")
    with pytest.raises(Trouble, match="run `make setup`"):
        domains.exists(checkout, "dev-one")
    programs = checkout.venv / "bin"
    programs.mkdir(parents=True)
    (programs / "soop").touch()
    (programs / "pulumi").write_text("""#!/bin/sh\necho '[{"name": "organization/soop/dev-one"}]'\n""")
    (programs / "pulumi").chmod(0o755)
    assert domains.exists(checkout, "dev-one")
    assert not domains.exists(checkout, "dev-two")


def test_state_that_cannot_be_reached_is_an_error(checkout: Checkout) -> None:
    (checkout.root / "Pulumi.yaml").write_text("name: soop\nbackend:\n  url: s3://state\n")
    programs = checkout.venv / "bin"
    programs.mkdir(parents=True)
    (programs / "soop").touch()
    (programs / "pulumi").write_text("#!/bin/sh\necho 'no credentials' >&2\nexit 1\n")
    (programs / "pulumi").chmod(0o755)
    with pytest.raises(Trouble, match="no credentials"):
        domains.exists(checkout, "dev-one")
