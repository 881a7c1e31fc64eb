"""``soop:index:Secret``: a secret that is generated once per domain, and which of them a Release uses."""

from __future__ import annotations

import secrets
import string

from soop_components.provider.certificate import certificate
from soop_components.provider.diff import differences
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import UNKNOWN, Properties, Unknown, reveal
from soop_components.secret import Secret

ACCEPTED = "acceptedSecrets"
"""Output of a Release: the generated secrets that were accepted, by key."""

_rotated: set[str] = set()
"""Names of the Secrets that were created in this run of the engine."""


class GeneratedSecretResource(Resource):
    """A generated secret. Input: ``length`` (characters of a password), or ``certificate`` (what the names of the nodes
    end in that it is for). Outputs: ``value`` (secret).

    A new one, `pulumi up --replace`, is a rotation: a Release that was accepted with another value tries it in the same
    run, and stays with the accepted value if that fails.
    """

    kind = "soop:index:Secret"

    def check(self, inputs: Properties) -> dict[str, str]:
        """Refuse a length that is too short or too long."""
        if "certificate" in inputs:
            return {}
        length = inputs.get("length")
        if not isinstance(length, int) or not 8 <= length <= 128:
            return {"length": "expected a number of characters from 8 to 128"}
        return {}

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """See another length, or a certificate instead of a password."""
        return Difference(differences(inputs, wanted))

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Keep the value there is; a new one is unknown."""
        same = outputs and all(outputs.get(key) == wanted.get(key) for key in ("length", "certificate"))
        return outputs if same else {**wanted, "value": Secret(UNKNOWN)}

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Generate it."""
        _rotated.add(context.name)
        return Created(context.name, _generated(wanted))

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Generate another one."""
        return _generated(wanted)

    def engine_ended(self) -> None:
        """Forget which Secrets were rotated in this run: the next one rotates none of them."""
        _rotated.clear()


def used_secrets(inputs: Properties, outputs: Properties, wanted: Properties) -> Properties:
    """Return the inputs that are wanted of a Release with the generated secrets that it uses.

    One that was accepted stays, whatever its Secret says, unless it was rotated in this run or is of another kind now.
    """
    given, generated = reveal(wanted.get("secrets", {})), wanted.get("generated", {})
    imports = wanted.get("imports", {})
    if isinstance(given, Unknown):
        return wanted
    accepted = reveal(accepted_inputs(inputs, outputs).get("secrets", {})) if outputs.get("version") else {}
    kept = {
        key: accepted[key]
        for key, made in generated.items()
        if _is_made(accepted.get(key, ""), made)
        and not isinstance(given[key], Unknown)
        and imports.get(key, f"{wanted['service']}.{key}") not in _rotated
    }
    return {**wanted, "secrets": {key: Secret(value) for key, value in {**given, **kept}.items()}}


def accepted_inputs(inputs: Properties, outputs: Properties) -> Properties:
    """Return the inputs that were recorded with the secrets that were in use."""
    used = {**reveal(inputs.get("secrets", {})), **reveal(outputs.get(ACCEPTED, {}))}
    return {**inputs, "secrets": {key: Secret(value) for key, value in used.items()}}


def accepted_outputs(wanted: Properties) -> Properties:
    """Return the output with the generated secrets of inputs that were accepted."""
    values = wanted.get("secrets", {})
    if isinstance(values, Unknown):
        return {ACCEPTED: values}
    return {ACCEPTED: {key: values[key] for key in wanted.get("generated", {})}}


def _generated(wanted: Properties) -> Properties:
    """Make a certificate, or draw letters and digits, which need no quoting anywhere."""
    if "certificate" in wanted:
        return {**wanted, "value": Secret(certificate(wanted["certificate"]))}
    value = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(wanted["length"]))
    return {**wanted, "value": Secret(value)}


def _is_made(value: str, made: int | str) -> bool:
    """Say whether a secret is what is to be made: so many characters, or a certificate."""
    return len(value) == made if isinstance(made, int) else value.startswith("-----BEGIN")
