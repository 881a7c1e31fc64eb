"""What a machine with cloud-init is told at its first start."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from soop_components.machines.cloud_init.resource import BootstrapResource
from soop_components.machines.cloud_init.user_data import MOST
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.resource import Context
from soop_components.provider.wire import UNKNOWN, encode
from soop_components.release.cancellation import Cancellation

NODE = "web-1.access-service.cloud-one"
KEYS = ["ssh-ed25519 AAAA soop cloud-one", "ssh-ed25519 BBBB soop cloud-one"]
WANTED = {"machine": "ami-1", "authorizedKey": "\n".join(KEYS)}
BOOTSTRAP = BootstrapResource()


def context() -> Context:
    urn = f"urn:pulumi:cloud-one::soop::soop:index:Bootstrap::{NODE}"
    return Context(urn, EngineProgress(None, urn), Cancellation())


def made() -> dict[str, Any]:
    return asyncio.run(BOOTSTRAP.create(context(), WANTED)).outputs


def test_user_data_name_the_machine_its_only_host_key_and_who_may_log_in() -> None:
    outputs = made()
    text = outputs["userData"].reveal()
    first, _, rest = text.partition("\n")
    said = json.loads(rest)
    assert (first, said["fqdn"], said["ssh_authorized_keys"]) == ("#cloud-config", NODE, KEYS)
    assert (said["ssh_genkeytypes"], said["ssh_deletekeys"], said["ssh_pwauth"]) == ([], True, False)
    private = load_ssh_private_key(said["ssh_keys"]["ed25519_private"].encode(), None)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert said["ssh_keys"]["ed25519_public"] == outputs["hostKey"] == public
    assert len(text.encode()) < MOST


def test_user_data_are_a_secret_and_each_machine_has_its_own() -> None:
    one, other = made(), made()
    assert one["hostKey"] != other["hostKey"]
    assert "PRIVATE" not in repr(one)
    assert encode(one).fields["userData"].HasField("struct_value"), "sealed by the engine"


def test_another_key_changes_nothing_and_another_image_is_another_machine() -> None:
    outputs = made()
    rotated = {**WANTED, "authorizedKey": KEYS[1]}
    assert not BOOTSTRAP.diff(WANTED, outputs, rotated).changes
    assert BOOTSTRAP.diff(WANTED, outputs, {**WANTED, "machine": "ami-2"}).replaces == ("machine",)
    assert BOOTSTRAP.preview(context(), outputs, rotated) == outputs
    assert BOOTSTRAP.preview(context(), {}, WANTED)["hostKey"] is UNKNOWN


def test_where_a_base_is_given_another_image_is_for_new_machines_until_one_is_wanted_anew() -> None:
    before = {**WANTED, "base": "debian-12"}
    other = {**before, "machine": "ami-2"}
    assert not BOOTSTRAP.diff(before, before, other).changes
    assert BOOTSTRAP.diff(before, before, {**other, "anew": True}).replaces == ("anew",)
    assert not BOOTSTRAP.diff({**other, "anew": True}, other, other).changes
    assert BOOTSTRAP.diff(other, other, {**other, "base": "debian-13"}).replaces == ("base",)
