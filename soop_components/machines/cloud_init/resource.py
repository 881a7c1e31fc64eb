"""The custom resource ``soop:index:Bootstrap``."""

from __future__ import annotations

from soop_components.machines.cloud_init import BOOTSTRAP
from soop_components.machines.cloud_init.user_data import user_data
from soop_components.provider.diff import PropertyChange
from soop_components.provider.key import key_pair
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import UNKNOWN, Properties
from soop_components.secret import Secret


class BootstrapResource(Resource):
    """Inputs: ``machine``, what it is made of, and ``authorizedKey``; ``base`` and ``anew``, if they are given.
    Outputs: ``hostKey``, a public line, and ``userData``, a secret; ``machine``, what this one is made of.

    Another authorized key changes nothing: it reaches the machine by SSH, and user data that change would stop it.
    Where ``base`` is given, another ``machine`` is for those that are made from now on: this one stays what it is until
    it has another base, or is wanted ``anew``.
    """

    kind = BOOTSTRAP

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """A machine that is made of something else is another one, which gets keys of its own."""
        if wanted.get("anew"):
            return Difference({"anew": PropertyChange.ADDED}, replaces=("anew",))
        made_by = "base" if "base" in wanted else "machine"
        if inputs.get(made_by) == wanted.get(made_by):
            return Difference()
        return Difference({made_by: PropertyChange.UPDATED}, replaces=(made_by,))

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Show that keys are not made yet."""
        return outputs or {**wanted, "hostKey": UNKNOWN, "userData": Secret(UNKNOWN)}

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Make a host key, and the text that brings it to the machine."""
        private, public = key_pair()
        text = user_data(context.name, private.reveal(), public, wanted["authorizedKey"].splitlines())
        return Created(context.name, {**wanted, "hostKey": public, "userData": Secret(text)})
