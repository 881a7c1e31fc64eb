"""``soop:index:ReleaseGroup``: services that are deployed together, accepted as one or rolled back as one.

It carries the rollout of all of them out. Their Releases come after it, and record what it accepted; so each has its
plan, its differences and its state where it has them without a group, and a group comes and goes without them. Drift
of one service is repaired by its Release alone, since no version is at stake.
"""

from __future__ import annotations

from collections.abc import Sequence

from soop_components.errors import SoopError
from soop_components.machines.kinds import kind_in
from soop_components.provider.diff import PropertyChange, differences
from soop_components.provider.generated_secret import ACCEPTED as SECRETS
from soop_components.provider.generated_secret import accepted_inputs, used_secrets
from soop_components.provider.release_properties import (
    ACCEPTED,
    TOGETHER,
    accepted_record,
    compared,
    lost_disks,
    parsed,
)
from soop_components.provider.resource import Context, Created, DeployedArtifact, Difference, PartialFailure, Resource
from soop_components.provider.rollouts import Rollouts
from soop_components.provider.wire import UNKNOWN, Properties, Unknown, has_unknown, reveal
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.lost_disks import refuse_lost_disks
from soop_components.release.together import roll_out
from soop_components.release.verdict import ReleaseFailed
from soop_components.runner.typed_json import digest_of
from soop_components.secret import Secret

_INPUTS = "inputs"
"""In what was accepted of a service: a digest of its inputs."""


class ReleaseGroupResource(Resource):
    """Inputs: ``services``, the inputs of each one's Release by name; ``order``, in which they are rolled out.

    Output: ``accepted``, the outputs of each one's Release by name. Its deletion leaves the nodes alone.
    """

    kind = "soop:index:ReleaseGroup"
    owns_artifacts = False

    def __init__(self, rollouts: Rollouts) -> None:
        self._rollouts = rollouts

    def artifacts(self, properties: Properties) -> tuple[DeployedArtifact, ...]:
        """Return those of all services."""
        services = properties.get("services") or properties.get(ACCEPTED) or {}
        return tuple(DeployedArtifact(*(each[key] for key in DeployedArtifact._fields)) for each in services.values())

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Say which versions change, or what else; the Releases show every line of it."""
        if not isinstance(wanted["services"], dict):  # the engine asks what a replaced machine means for us, too
            return Difference({"services": PropertyChange.UPDATED})
        changes: dict[str, PropertyChange] = {}
        for name, new in wanted["services"].items():
            old, accepted = _of(inputs, outputs, name)
            found = differences(compared(accepted_inputs(old, accepted)), compared(used_secrets(old, accepted, new)))
            shown = {"version": found["version"]} if "version" in found else found
            changes |= {f'services["{name}"].{path}': change for path, change in shown.items()}
        if not outputs.get(ACCEPTED):
            changes[ACCEPTED] = PropertyChange.ADDED
        return Difference(changes)

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Show nothing that the Releases do not show."""
        return {ACCEPTED: UNKNOWN}

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Roll out services for the first time, or take up those that run what is wanted already."""
        try:
            return Created(context.name, await self.update(context, context.name, {}, {}, wanted))
        except ReleaseFailed as error:
            raise PartialFailure(str(error), id=context.name, outputs={}) from error

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Roll out all services; on failure all of them run their last good versions and nothing is recorded."""
        attempts: dict[str, tuple[ReleaseInputs, ReleaseInputs | None]] = {}
        used: Properties = {}
        for name in wanted["order"]:
            old, accepted = _of(inputs, outputs, name)
            refuse_lost_disks(lost_disks(old, wanted["services"][name]), kind_in(wanted["services"][name]))
            used[name] = used_secrets(old, accepted, wanted["services"][name])
            previous = parsed(accepted_inputs(old, accepted)) if accepted else None
            attempts[name] = (parsed(used[name]), previous)
        await self._roll_out(context, list(attempts.values()))
        records = {
            name: {
                **accepted_record(release, used[name], outputs.get(ACCEPTED, {}).get(name, {})),
                _INPUTS: Secret(_digest(wanted["services"][name])),
            }
            for name, (release, _) in attempts.items()
        }
        return {ACCEPTED: records}

    async def _roll_out(self, context: Context, attempts: Sequence[tuple[ReleaseInputs, ReleaseInputs | None]]) -> None:
        rollouts = [self._rollouts.begin(context, release, previous) for release, previous in attempts]
        await roll_out(rollouts, context.progress, forms_group=all(previous is None for _, previous in attempts))


def used_by(inputs: Properties, outputs: Properties, wanted: Properties) -> Properties:
    """Return the inputs that are wanted of a Release with the secrets that it uses: in a group, those of the group."""
    accepted = reveal(wanted.get(ACCEPTED, UNKNOWN))
    if isinstance(accepted, Unknown) or has_unknown(compared(wanted)) or accepted[_INPUTS] != _digest(wanted):
        return used_secrets(inputs, outputs, wanted)
    used = {**reveal(wanted["secrets"]), **accepted[SECRETS]}
    return {**wanted, "secrets": {key: Secret(value) for key, value in used.items()}}


def recorded(wanted: Properties) -> Properties:
    """Return the outputs of a Release whose group has accepted what is wanted of it."""
    accepted = reveal(wanted[ACCEPTED])
    if accepted.pop(_INPUTS) != _digest(wanted):
        group = ", ".join(wanted[TOGETHER])
        raise SoopError(
            f"{wanted['service']}: its group ({group}) was not updated in this run, so nothing was changed",
            "run `pulumi up` without --target: services that are deployed together change together",
        )
    return {**accepted, SECRETS: {key: Secret(value) for key, value in accepted[SECRETS].items()}}


def refuse_change_beside_group(inputs: Properties, outputs: Properties, wanted: Properties) -> None:
    """Raise ``SoopError`` if a running service would come into a group and be changed at once.

    The group could not roll it back to what it does not know.
    """
    group = wanted.get(TOGETHER, [])
    if not outputs.get("version") or group in ([], inputs.get(TOGETHER, [])):
        return
    changed = [path for path in differences(compared(inputs), compared(wanted)) if not path.startswith("neighbours")]
    if changed:
        what = "version" if "version" in changed else changed[0]
        raise SoopError(
            f"{wanted['service']}: comes into the group {', '.join(group)} and changes at once ({what})",
            "first run `pulumi up` with a new soop:together alone, which touches no node, then make the other changes",
        )


def _of(inputs: Properties, outputs: Properties, name: str) -> tuple[Properties, Properties]:
    """Return what a service was given in the group and what was accepted of it; nothing if nothing was."""
    accepted = outputs.get(ACCEPTED, {}).get(name, {})
    return (inputs["services"][name], accepted) if accepted else ({}, {})


def _digest(given: Properties) -> str:
    """Return a digest of the inputs of a service; secret, since it knows its secrets."""
    return digest_of(reveal(compared(given)))
