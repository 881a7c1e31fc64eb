"""``soop:index:Secret``: a password that is generated once per domain."""

from __future__ import annotations

import secrets
import string

from soop_components.provider.diff import differences
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import UNKNOWN, Properties
from soop_components.secret import Secret


class GeneratedSecretResource(Resource):
    """A generated password. Input: ``length`` (characters). Outputs: ``value`` (secret)."""

    kind = "soop:index:Secret"

    def check(self, inputs: Properties) -> dict[str, str]:
        """Refuse a length that is too short or too long."""
        length = inputs.get("length")
        if not isinstance(length, int) or not 8 <= length <= 128:
            return {"length": "expected a number of characters from 8 to 128"}
        return {}

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Generate a new one when the length changes."""
        return Difference(differences(inputs, wanted), ("length",))

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Keep the value there is; a new one is unknown."""
        return outputs or {**wanted, "value": Secret(UNKNOWN)}

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Draw letters and digits, which need no quoting anywhere."""
        value = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(wanted["length"]))
        return Created(context.name, {**wanted, "value": Secret(value)})
