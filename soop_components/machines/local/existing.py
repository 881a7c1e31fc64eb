"""What the local machines take that are there, by the records of machines, whatever definitions or states say."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

from soop_components.machines.local.root_helper.failure import Refused
from soop_components.machines.local.root_helper.folders import Realm
from soop_components.machines.local.root_helper.record import Record
from soop_components.machines.local.root_helper.request import domain_of, environment_of
from soop_components.model.capacity import Demand
from soop_components.project import Project


def existing(project: Project, environment: str) -> dict[str, Demand]:
    """Return what each domain of an environment takes; needs no rights."""
    realm = Realm(Path(os.path.realpath(project.home)), project.realm, os.getuid())
    taken: dict[str, Demand] = defaultdict(Demand)
    for name in realm.names(realm.machines):
        if environment_of(name) == environment:
            taken[domain_of(name)] += _demand(realm, name)
    return dict(taken)


def _demand(realm: Realm, name: str) -> Demand:
    """Return what a machine takes; one whose record cannot be read is a node."""
    try:
        record = Record.load(realm, name)
    except Refused:
        record = None
    return Demand(1, record.spec.cpus, record.spec.memory) if record else Demand(1)
