"""``soop:index:Key``: the key pair with which the deployer reaches the nodes of one domain."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from soop_components.machines import ROTATE_KEY
from soop_components.provider.diff import PropertyChange
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import UNKNOWN, Properties
from soop_components.secret import Secret

NEXT = "nextPrivateKey"
"""Output, while keys are rotated: the private key that will be used once all machines know its public one."""


class KeyResource(Resource):
    """An ed25519 key pair. Input: ``comment``. Outputs: ``publicKey``, one line, and ``privateKey``, a secret PEM.

    No change of the comment is worth a new key. A rotation takes two updates, so that ``privateKey`` opens every
    machine whenever one of them ends: the first adds a second line to ``publicKey``, and ``nextPrivateKey``; the
    second leaves only the new pair.
    """

    kind = "soop:index:Key"

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """See whether the next step of a rotation is asked for."""
        return Difference({"publicKey": PropertyChange.UPDATED} if _step(outputs) else {})

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Keep the keys there are; new ones are unknown."""
        if not outputs or _step(outputs):
            return {**wanted, "publicKey": UNKNOWN, "privateKey": Secret(UNKNOWN)}
        return outputs

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Make a key pair."""
        private, public = key_pair(wanted.get("comment", context.name))
        return Created(context.name, {**wanted, "publicKey": public, "privateKey": private})

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Add a second pair, or let the first one go."""
        match _step(outputs):
            case "add":
                private, public = key_pair(wanted.get("comment", context.name))
                return {**outputs, "publicKey": f"{outputs['publicKey']}\n{public}", NEXT: private}
            case "switch":
                return {**wanted, "publicKey": outputs["publicKey"].splitlines()[-1], "privateKey": outputs[NEXT]}
        return outputs


def _step(outputs: Properties) -> str | None:
    """Return the step of a rotation that is asked for and was not done yet."""
    step = os.environ.get(ROTATE_KEY)
    return step if step in ("add", "switch") and (NEXT in outputs) == (step == "switch") else None


def key_pair(comment: str = "") -> tuple[Secret, str]:
    """Return a new private key, PEM in OpenSSH's format, and its public line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return Secret(private), f"{public.decode()} {comment}".rstrip()
