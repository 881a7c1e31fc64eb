"""What a release says of a change before it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.machines import WITH_DATA, Unsupported
from soop_components.model.names import Reference
from soop_components.provider.diff import PropertyChange
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.release import ReleaseResource, drift_of
from soop_components.provider.release_group import ReleaseGroupResource
from soop_components.provider.release_properties import lost_disks
from soop_components.provider.resource import Context, PartialFailure
from soop_components.provider.rollouts import Rollouts
from soop_components.provider.wire import UNKNOWN, Properties
from soop_components.release.cancellation import Cancellation
from soop_components.release.downgrade import DowngradeRefused
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.lost_disks import refuse_lost_disks
from soop_components.release.node import Node
from soop_components.release.rollout import Rollout
from soop_components.release.verdict import ReleaseFailed
from soop_components.runner.protocol import NodeStatus
from soop_components.runner.vocabulary import Drift, HealthProblem, Version
from tests.scenarios.runner.packages import deb, plans
from tests.unit.release.example import DIGEST

INPUTS: Properties = {"service": "a", "version": "1.0.0", "nodes": {"web-1": {"address": "10.0.0.1"}}, "roles": {}}
OUTPUTS: Properties = {"version": "1.0.0", "status": {"web-1": {"drift": []}, "web-2": {"drift": ["gone"]}}}


def changes(outputs: Properties, wanted: Properties) -> dict[str, PropertyChange]:
    difference = ReleaseResource(Rollouts()).diff(INPUTS, outputs, wanted)
    assert not difference.replaces
    return dict(difference.changes)


def test_nothing_differs() -> None:
    assert changes(OUTPUTS, INPUTS) == {}


def test_drift_of_a_node_is_a_change_and_that_of_one_that_leaves_is_none() -> None:
    drifted = {**OUTPUTS, "status": {"web-1": {"drift": ["a file"]}, "web-2": {"drift": ["gone"]}}}
    assert changes(drifted, INPUTS) == {'status["web-1"].drift': PropertyChange.UPDATED}


def test_nodes_that_are_not_known_because_a_machine_is_replaced() -> None:
    assert changes(OUTPUTS, {**INPUTS, "nodes": UNKNOWN}) == {"nodes": PropertyChange.UPDATED}


def test_a_node_knows_the_addresses_of_its_service_and_of_its_neighbours() -> None:
    place = {"address": "10.0.0.1", "port": 22, "user": "root", "hostKey": "ssh-ed25519 AAAA"}
    nodes = {f"web-{number}.a.dev": {"role": "web", "number": number, "place": place} for number in (10, 2)}
    given = {**INPUTS, "digest": "sha256:1", "roles": {"web": {}}, "nodes": nodes, "privateKey": "PRIVATE"}
    release = ReleaseInputs.parse({**given, "neighbours": {"all-1.b.dev": "10.0.0.2"}})
    assert release.hosts == {**dict.fromkeys(nodes, "10.0.0.1"), "all-1.b.dev": "10.0.0.2"}
    assert release.nodes_of("web") == ["web-2.a.dev", "web-10.a.dev"]
    assert release.documents["web-2.a.dev"]["node"] == {"name": "web-2.a.dev", "role": "web", "number": "2"}


def test_what_is_not_healthy_is_named_with_what_its_check_said_and_without_secrets() -> None:
    secrets = {"password": "s3cret word"}
    release = ReleaseInputs(Reference("a", "1.0.0"), "sha256:0", {}, {}, (), {}, {}, secrets, "key")
    running = Version("a", "1.0.0", "sha256:0", "sha256:1")
    said = ("exit code 1: wrong password\ns3cret word", "status 500: s3cret%20word" + "x" * 500)
    problems = tuple(HealthProblem("web", "/bin/check", got) for got in said)
    found = NodeStatus(running, True, (), problems)
    assert not found.healthy
    first, second = drift_of(found, "sha256:1", release)
    assert first == "component web is not healthy: /bin/check: exit code 1: wrong password [secret]"
    assert second.startswith("component web is not healthy: /bin/check: status 500: [secret]xxx")
    assert len(second) < 300
    assert drift_of(found._replace(health=()), "sha256:1", release) == []
    assert found._replace(health=()).healthy


def test_drift_is_worded_by_its_kind() -> None:
    release = ReleaseInputs(Reference("a", "1.0.0"), "sha256:0", {}, {}, (), {}, {}, {}, "key")
    drift = (Drift("apply", "a-2.0.0"), Drift("absent", "/etc/x"), Drift("unit", "a.service", "not active"))
    found = NodeStatus(Version("a", "1.0.0", "sha256:0", "sha256:1"), False, drift, ())
    assert not found.healthy
    assert drift_of(found, "sha256:1", release) == [
        "runs a-1.0.0, which was not accepted",
        "a-2.0.0 was begun and not finished",
        "/etc/x: is there and must not be",
        "unit a.service: not active",
    ]
    assert drift_of(found, "sha256:2", release)[0] == "runs a-1.0.0 with another plan"
    nothing = found._replace(running=None)
    assert drift_of(nothing, "sha256:2", release)[0] == "a-2.0.0 was begun and not finished"
    assert drift_of(nothing._replace(drift=()), "sha256:2", release) == ["does not run a-1.0.0"]


def test_a_first_deployment_that_failed_records_what_its_nodes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(rollouts: Sequence[Rollout], progress: EngineProgress) -> None:
        raise ReleaseFailed("a-1.0.0 was not accepted: smoke test 'answers'")

    async def status_of(node: Node, patience: float) -> NodeStatus:
        if node.name == "web-2.a.dev":
            raise SoopError("web-2.a.dev: no answer from 10.0.0.1", "is it there?")
        digest = ReleaseInputs.parse(given).documents[node.name]["plan_digest"]
        return NodeStatus(Version("a", "1.0.0", "sha256:1", digest), False, (), ())

    place = {"address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"}
    nodes = {f"web-{number}.a.dev": {"role": "web", "number": number, "place": place} for number in (1, 2)}
    given = {**INPUTS, "digest": "sha256:1", "roles": {"web": {}}, "nodes": nodes, "privateKey": "P", "neighbours": {}}
    monkeypatch.setattr("soop_components.provider.release.roll_out", fail)
    monkeypatch.setattr(Node, "status", status_of)
    monkeypatch.setattr("soop_components.provider.rollouts.blobs_of", lambda _: Path)
    context = Context(
        "urn:pulumi:dev::p::soop:index:Service$soop:index:Release::a", EngineProgress(None, ""), Cancellation()
    )
    with pytest.raises(PartialFailure) as caught:
        asyncio.run(ReleaseResource(Rollouts()).create(context, given))
    status = caught.value.outputs["status"]
    assert [node["healthy"] for node in status.values()] == [True, False]
    assert [node["drift"] for node in status.values()] == [
        ["runs a-1.0.0, which was not accepted"],
        ["web-2.a.dev: no answer from 10.0.0.1"],
    ]


def test_a_preview_refuses_a_downgrade_that_loses_data_also_where_addresses_are_unknown() -> None:
    migrations = [{"component": "store", "label": f"00{number}_m"} for number in (1, 2)]
    contract = [migrations[0], {**migrations[1], "kind": "contract"}]
    store: dict[str, object] = {"store": {}}
    nodes = {"web-1.a.dev": {"role": "web", "number": 1, "place": UNKNOWN}}
    given = {**INPUTS, "digest": "sha256:1", "nodes": nodes, "privateKey": UNKNOWN, "neighbours": UNKNOWN}
    before = {**given, "version": "2.0.0", "roles": {"web": {"components": store, "migrations": contract}}}
    wanted = {**given, "version": "1.0.0", "roles": {"web": {"components": store, "migrations": migrations[:1]}}}
    context = Context("urn:pulumi:dev::p::soop:index:Release::a", EngineProgress(None, ""), Cancellation())
    with pytest.raises(DowngradeRefused, match="store's 002_m is contract"):
        asyncio.run(ReleaseResource(Rollouts()).announce(context, before, OUTPUTS, wanted))
    agreed = {**wanted, "loseData": {"from": "2.0.0", "to": "1.0.0", "by": "migrations"}}
    asyncio.run(ReleaseResource(Rollouts()).announce(context, before, OUTPUTS, agreed))
    never_accepted: Properties = {"service": "a", "status": {}, "endpoints": {}}
    asyncio.run(ReleaseResource(Rollouts()).announce(context, before, never_accepted, wanted))
    assert changes(OUTPUTS, {**INPUTS, "loseData": agreed["loseData"]}) == {}


def test_disks_that_no_node_has_any_more_are_refused_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(role: str, **more: object) -> Properties:
        nodes = {f"{role}-1.a.dev": {"role": role, "number": 1, "place": UNKNOWN}}
        return {**INPUTS, "digest": DIGEST, "nodes": nodes, "roles": {role: {"disk": "/srv"}}, **more}

    context = Context("urn:pulumi:dev::p::soop:index:Release::a", EngineProgress(None, ""), Cancellation())
    release, group = ReleaseResource(Rollouts()), ReleaseGroupResource(Rollouts())
    together = {"services": {"a": of("vault")}, "order": ["a"]}
    accepted = {"accepted": {"a": OUTPUTS}}
    for step in (
        lambda: release.announce(context, of("store"), OUTPUTS, of("vault")),
        lambda: release.update(context, "a", of("store"), OUTPUTS, of("vault")),
        lambda: group.update(context, "a", {"services": {"a": of("store")}}, accepted, together),
    ):
        monkeypatch.delenv(WITH_DATA, raising=False)
        with pytest.raises(SoopError, match=r"no node has the disks of store-1\.a\.dev any more") as refused:
            asyncio.run(step())
        assert "disks: {ROLE: NUMBER}" in str(refused.value)
    assert lost_disks(of("store"), of("vault", keptDisks=["store-1.a.dev"])) == []
    assert lost_disks(of("store"), of("vault", nodes=UNKNOWN)) == []
    refuse_lost_disks([], "local")
    monkeypatch.setenv(WITH_DATA, "1")
    refuse_lost_disks(["store-1.a.dev"], "local")
    monkeypatch.delenv(WITH_DATA)
    with pytest.raises(SoopError, match=r"no node has the data of store-1\.a\.dev any more: they would be left behind"):
        refuse_lost_disks(["store-1.a.dev"], "ssh")


def test_a_preview_refuses_to_move_data_where_machines_have_no_snapshots() -> None:
    package = {"version": "1", "architecture": "all", "digest": DIGEST, "size": 1}
    data = {"component": "store", "written_by": "sql-17", "moved_from": ["sql-15"], "blob": DIGEST, "source": "x"}
    role: dict[str, object] = {"components": {"store": {}}, "disk": "/srv"}
    given = {**INPUTS, "digest": DIGEST, "nodes": UNKNOWN, "privateKey": UNKNOWN, "neighbours": UNKNOWN}
    before = {**given, "nodes": {}, "roles": {"web": {**role, "packages": {"sql-15": package}}}, "machines": "aws"}
    newer = {"web": {**role, "packages": {"sql-17": package}, "data": [data]}}
    wanted = {**given, "version": "2.0.0", "roles": newer, "machines": "aws"}
    context = Context("urn:pulumi:dev::p::soop:index:Release::a", EngineProgress(None, ""), Cancellation())
    with pytest.raises(Unsupported, match=r"from sql-15 to sql-17, .* machines of the kind aws have no snapshots"):
        asyncio.run(ReleaseResource(Rollouts()).announce(context, before, OUTPUTS, wanted))


def test_a_preview_says_what_happens_and_which_packages_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorded(EngineProgress):
        async def warn(self, message: str) -> None:
            warnings.append(message)

        async def tell(self, message: str) -> None:
            told.append(message)

    def archives(release: ReleaseInputs) -> Callable[[str], Path]:
        made = {each.plan["digest"]: each for each in ([old] if release.reference.version == "1.0.0" else [new])}

        def archive(digest: str) -> Path:
            if digest not in made:
                raise SoopError("not in this artifact")
            return tmp_path / f"{made[digest].name}_{made[digest].plan['version']}.deb"

        return archive

    warnings: list[str] = []
    told: list[str] = []
    old, new = deb(tmp_path, "old", "1.0", Conflicts="new"), deb(tmp_path, "new", "2.0")
    place = {"address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"}
    nodes = {"web-1.a.dev": {"role": "web", "number": 1, "place": place}}
    given = {**INPUTS, "digest": "sha256:1", "nodes": nodes, "privateKey": "P", "neighbours": {}}
    before = {**given, "roles": {"web": {"packages": plans(old)}}}
    wanted = {**given, "version": "2.0.0", "roles": {"web": {"packages": plans(new)}}}
    monkeypatch.setattr("soop_components.provider.rollouts.blobs_of", archives)
    context = Context("urn:pulumi:dev::p::soop:index:Release::a", Recorded(None, ""), Cancellation())
    asyncio.run(ReleaseResource(Rollouts()).announce(context, before, OUTPUTS, wanted))
    assert warnings == ["web: package old goes, old 1.0 conflicts with new 2.0"]
    assert told == ["a 1.0.0 -> 2.0.0, upgrade; nodes: 1 configured", "web-1: configured; no unit restarts"]
    asyncio.run(ReleaseResource(Rollouts()).announce(context, before, OUTPUTS, {**before, "version": "2.0.0"}))
    assert len(warnings) == 1, "nothing goes"
