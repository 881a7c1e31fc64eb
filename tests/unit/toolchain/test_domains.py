"""Which domains must be destroyed before their state may go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bootstrap import domains, down
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


def test_a_domain_on_existing_hosts_does_not(checkout: Checkout) -> None:
    deploy(checkout, "rack-one", "pulumi:pulumi:Stack", "pulumi:providers:soop", "soop:index:Host")
    assert domains.lies_elsewhere(checkout, "rack-one")


def test_a_stack_that_was_never_deployed_has_nothing_anywhere(checkout: Checkout) -> None:
    (checkout.home / "state/.pulumi/stacks/soop/dev-new.json").write_text('{"version": 3, "checkpoint": {}}')
    assert not domains.lies_elsewhere(checkout, "dev-new")


def test_a_domain_cannot_be_destroyed_before_soop_is_installed(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    down.run(checkout)
    assert capsys.readouterr().out == "there is no domain dev-access\n"
    deploy(checkout, "dev-access", "pulumi:pulumi:Stack")
    with pytest.raises(Trouble, match="run `make setup`"):
        down.run(checkout)


def test_soop_destroys_what_there_is(checkout: Checkout) -> None:
    (checkout.venv / "bin").mkdir(parents=True)
    soop = checkout.venv / "bin" / "soop"
    soop.write_text('#!/bin/sh\necho "$@" > destroyed\n')
    soop.chmod(0o755)
    (checkout.home / "env").write_text(f"export PATH={checkout.venv}/bin:$PATH\n")
    down.run(checkout)
    assert (checkout.root / "destroyed").read_text() == "destroy --yes dev-access\n"
