"""``soop:index:Key``: the key pair with which the deployer reaches the nodes of one domain."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from soop_components.provider.resource import Context, Created, Resource
from soop_components.provider.wire import UNKNOWN, Properties
from soop_components.secret import Secret


class KeyResource(Resource):
    """An ed25519 key pair. Input: ``comment``. Outputs: ``publicKey``, one line, and ``privateKey``, a secret PEM.

    No change of the comment is worth a new key.
    """

    kind = "soop:index:Key"

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Keep the keys there are; new ones are unknown."""
        return outputs or {**wanted, "publicKey": UNKNOWN, "privateKey": Secret(UNKNOWN)}

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Make a key pair."""
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ).decode()
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        line = f"{public.decode()} {wanted.get('comment', context.name)}"
        return Created(context.name, {**wanted, "publicKey": line, "privateKey": Secret(private)})
