"""What is remembered of a machine: ``machine.json`` in its folder, written when the machine is complete."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from . import request, slots
from .failure import Refused
from .files import read_json, write_json
from .folders import Realm

_FILE = "machine.json"


class Damaged(Refused):
    """A machine's record is not what was written."""


@dataclass(frozen=True)
class Record:
    """A machine as it was last made."""

    spec: request.Spec
    image_digest: str
    host_key: str
    """Public key line."""
    slot: int
    """Of the environment on this host."""
    number: int
    """Of the machine in the environment's subnet."""

    @property
    def id(self) -> str:
        """What distinguishes the machine from all others on this host, in few characters."""
        return f"{self.slot:03x}-{self.number:03x}"

    @property
    def address(self) -> str:
        """The machine's address."""
        return str(slots.address(self.slot, self.number))

    def root(self, realm: Realm) -> Path:
        """Return where the machine's root file system is mounted."""
        return realm.run / self.id / "root"

    def save(self, realm: Realm) -> None:
        """Write the record."""
        data = asdict(self) | {"spec": self.spec.as_json(), "address": self.address}
        with realm.opened(realm.machine(self.spec.name)) as folder:
            write_json(folder / _FILE, data)

    @classmethod
    def load(cls, realm: Realm, name: str) -> Record | None:
        """Return the record of a machine, None if it does not exist or was never complete; raise ``Damaged``."""
        with suppress(FileNotFoundError), realm.opened(realm.machine(name)) as folder:
            try:
                data = read_json(folder / _FILE)
                return None if data is None else cls.parse(data, name)
            except Refused as error:
                raise Damaged(f"the record of {name} is damaged: {realm.machine(name) / _FILE}") from error
        return None

    @classmethod
    def parse(cls, data: object, name: str) -> Record:
        """Return the record of the machine ``name`` out of its JSON form."""
        what = f"record of {name}"
        given = request.mapping(data, ("spec", "image_digest", "host_key", "slot", "number", "address"), what)
        record = cls(
            spec=request.spec(given["spec"]),
            image_digest=request.text(given["image_digest"], request.DIGEST, what),
            host_key=request.text(given["host_key"], request.PUBLIC_KEY, what),
            slot=request.integer(given["slot"], 0, slots.SLOTS - 1, what),
            number=request.integer(given["number"], slots.FIRST, slots.LAST, what),
        )
        if record.spec.name != name or record.address != given["address"]:
            raise Refused(f"{what}: name and address do not match the rest of it")
        return record


def records(realm: Realm, environment: str) -> list[Record]:
    """Return the records of all machines of a realm's environment, without those that cannot be used."""
    found = []
    for name in (name for name in realm.names(realm.machines) if request.environment_of(name) == environment):
        with suppress(Refused):
            found.append(Record.load(realm, name))
    return [record for record in found if record is not None]
