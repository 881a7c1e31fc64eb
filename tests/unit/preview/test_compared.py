"""How two previews of the same update differ."""

from __future__ import annotations

from soop_components.preview.compared import differences
from soop_components.preview.facts import DomainPreview, Loss, ResourceChange
from soop_components.preview.nodes import Found
from soop_components.preview.service import service_preview
from tests.unit.preview.previewed import DOMAIN, OTHER, release

NODE = f"web-2.access-service.{DOMAIN}"
UPGRADE = release("3.2.4", OTHER)
BEFORE = DomainPreview(domain=DOMAIN, services=(service_preview(release(), UPGRADE),), warnings=("one",))


def test_warnings_do_not_count() -> None:
    assert list(differences(BEFORE, BEFORE.model_copy(update={"warnings": ()}))) == []


def test_a_node_that_drifts_is_named_and_so_is_a_machine_that_is_gone() -> None:
    service = service_preview(release(), UPGRADE, Found(drift={NODE: ("file /etc/x: gone",)}))
    after = BEFORE.model_copy(update={"services": (service,)})
    record = "no change but the name of the version"
    assert list(differences(BEFORE, after)) == [
        f"{NODE}: reviewed was: {record}; now it is: repaired; drift: file /etc/x: gone"
    ]
    machine = ResourceChange(type="soop:index:Machine", name=NODE, action="create")
    assert list(differences(BEFORE, BEFORE.model_copy(update={"resources": (machine,)}))) == [
        f"{NODE}: reviewed was: nothing; now it is: machine made"
    ]


def test_other_services_and_losses() -> None:
    loss = Loss(kind="disk", subject="old-1")
    after = BEFORE.model_copy(update={"services": (), "losses": (loss,)})
    words = "access-service 3.2.3 -> 3.2.4, upgrade; nodes: 4 with no change but the name of the version"
    assert list(differences(BEFORE, after)) == [
        f"access-service: reviewed was: {words}; now it is: nothing",
        "the disk of old-1 is deleted with its data by --with-data or SOOP_WITH_DATA=1; else the update fails: "
        "that was not reviewed",
    ]
