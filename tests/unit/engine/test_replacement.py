"""Which updates give nodes new machines, and which nodes get no requests from services in front meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from soop_components.components.service import release_inputs
from soop_components.deployment.domain_file import DomainFile
from soop_components.engine.planned_update import PlannedUpdate
from soop_components.engine.replacement import Round, rounds
from soop_components.engine.state import DeployedNode, Release, StackState
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.service_plan import DomainPlan
from soop_components.planning.domain import plan_domain
from soop_components.project import Project
from tests.unit.planning.test_domain import example

ID = "dev-access"
DATABASE, *WEB = (f"{node}.access-service.{ID}" for node in ("database-1", "web-1", "web-2", "web-3"))
GATEWAY = f"gateway-1.gateway-service.{ID}"
SITE = "/etc/nginx/conf.d/gateway-service-entrance.conf"
DEFINITIONS = {name: example(name) for name in ("access-service", "gateway-service")}


class Update(PlannedUpdate):
    """An update of the example's services, planned out of their sources."""

    def avoiding(self, nodes: Collection[str]) -> PlannedUpdate:
        return replace(self, plan=planned(self.plan.together, nodes))


def planned(together: Sequence[Sequence[str]] = (), avoided: Collection[str] = (), web: int = 3) -> DomainPlan:
    access = {"service": "access-service-3.2.3", "nodes": {"web": web}}
    domain = {"id": ID, "environment": "dev", "services": [access, {"service": "gateway-service-1.2.3"}]}
    definition = DomainDefinition.model_validate({**domain, "together": together})
    return plan_domain(definition, Environment(name="dev"), DEFINITIONS, avoided)


def at_another_port() -> DomainPlan:
    """Return a plan by which web nodes are asked at a port at which they will not answer any more."""
    plan = planned()
    urls = tuple(f"http://{node}:8080" for node in WEB)
    access, gateway = plan.services
    return replace(plan, services=(access.model_copy(update={"endpoints": {"http": urls}}), gateway))


def update_of(plan: DomainPlan) -> PlannedUpdate:
    return Update(DomainFile(Project(Path("/nowhere")), ID), "", "", plan, ())


def deployed(plan: DomainPlan) -> StackState:
    def node(name: str) -> DeployedNode:
        return DeployedNode(name, "", "10.1.0.2", 22, "root", "")

    return StackState(
        tuple(
            Release(
                each.service,
                each.version,
                each.digest,
                "",
                {},
                tuple(map(node, each.nodes)),
                inputs=release_inputs(each, {name: {} for name in each.nodes}),
                urn=f"of {each.service}",
            )
            for each in plan.services
        )
    )


def found(names: Sequence[str], plan: DomainPlan, state: DomainPlan | None = None) -> list[Round]:
    return list(rounds(update_of(plan), names, deployed(state or plan)))


def servers(each: Round) -> list[str]:
    """Return the nodes that the gateway asks after a round."""
    (gateway,) = (service for service in each.update.plan.services if service.service == "gateway-service")
    content = gateway.roles["gateway"].components["entrance"].files[SITE].content or ""
    lines = [line.split() for line in content.splitlines() if line.lstrip().startswith("server ") and "backup" in line]
    return [words[1].removesuffix(":80") for words in lines if "down" not in words]


def test_a_gateway_leaves_a_node_alone_before_it_is_replaced_and_asks_it_again_afterwards() -> None:
    before, last = found(WEB[:1], planned())
    assert (before.replaced, before.avoided, before.only) == ((), (WEB[0],), ("of gateway-service",))
    assert servers(before) == WEB[1:]
    assert (last.replaced, last.avoided, last.only) == ((WEB[0],), (), ())
    assert servers(last) == WEB


@pytest.mark.parametrize("state", [planned(), planned(web=2)], ids=["what is deployed", "an update that does more"])
def test_where_machines_are_replaced_by_updates_alone_each_has_its_turn(state: DomainPlan) -> None:
    plan = replace(planned(), environment=Environment(name="dev", machines="aws"))
    turns = [each.replaced for each in found([DATABASE, *WEB], plan, state) if each.replaced]
    assert turns == [(DATABASE,), *((each,) for each in WEB)]


def test_nodes_of_a_role_take_turns_and_all_others_go_with_the_first() -> None:
    all_rounds = found([DATABASE, *WEB, GATEWAY], planned())
    assert [each.replaced for each in all_rounds] == [(), (DATABASE, GATEWAY, WEB[0]), (WEB[1],), (WEB[2],)]
    assert [each.avoided for each in all_rounds] == [(WEB[0],), (WEB[1],), (WEB[2],), ()]
    assert [servers(each) for each in all_rounds] == [WEB[1:], [WEB[0], WEB[2]], WEB[:2], WEB]


@pytest.mark.parametrize(
    ("names", "plan", "state"),
    [
        ((DATABASE, GATEWAY), planned(), None),
        ((WEB[0],), planned(web=1), None),
        ((WEB[0],), planned(together=[("access-service", "gateway-service")]), None),
        ((WEB[0],), planned(web=3), planned(web=2)),
        ((WEB[0],), planned(), at_another_port()),
    ],
    ids=["nobody in front", "alone in its role", "a group", "an update that does more", "one that moves an endpoint"],
)
def test_else_all_is_one_update(names: tuple[str, ...], plan: DomainPlan, state: DomainPlan | None) -> None:
    (only,) = found(names, plan, state)
    assert (only.replaced, only.avoided, only.only, only.update.plan) == (names, (), (), plan)
