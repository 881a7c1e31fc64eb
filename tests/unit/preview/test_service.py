"""What an update would do with a service, decided of what is and what is wanted."""

from __future__ import annotations

from soop_components.model.plan import File, RolePlan
from soop_components.preview.facts import NodeChange, PackageChange, ServicePreview, StepFact
from soop_components.preview.nodes import Found
from soop_components.preview.service import service_preview
from tests.unit.preview.previewed import API, DOMAIN, HOOK, OTHER, PROXY, WEB, changed, package, release, with_file

BEFORE = release()
NEW_PROGRAM = with_file(WEB, "api", "/opt/api/api.py", "2")


def actions(preview: ServicePreview) -> dict[str, str]:
    return {node.node.split(".")[0]: node.action for node in preview.nodes}


def node(preview: ServicePreview, short: str) -> NodeChange:
    return next(node for node in preview.nodes if node.node.startswith(f"{short}."))


def steps(preview: ServicePreview) -> list[StepFact]:
    return [step for lanes in preview.steps for lane in lanes for step in lane]


def configured(preview: ServicePreview) -> list[tuple[str, ...]]:
    found = [step.nodes for step in steps(preview) if step.kind == "configure"]
    return [tuple(name.split(".")[0] for name in names) for names in found]


def test_the_same_is_no_change() -> None:
    preview = service_preview(BEFORE, BEFORE)
    assert preview.action == "none"
    assert set(actions(preview).values()) == {"none"}
    assert preview.steps == preview.roles == ()


def test_an_upgrade_configures_what_differs_and_names_the_version_elsewhere() -> None:
    preview = service_preview(BEFORE, release("3.2.4", OTHER, web=NEW_PROGRAM))
    assert (preview.action, preview.before and preview.before.version) == ("upgrade", "3.2.3")
    assert actions(preview) == {"database-1": "record", **dict.fromkeys(["web-1", "web-2", "web-3"], "configure")}
    assert node(preview, "web-1").restarts == ("api.service", "first.service")
    assert node(preview, "web-2").restarts == ("api.service",)
    (role,) = preview.roles
    assert (role.role, role.files.changed, role.units.changed) == ("web", ("/opt/api/api.py",), ())


def test_a_file_of_the_first_node_restarts_nothing_elsewhere() -> None:
    files = {**API.files, "/etc/first.env": File(content="2", first=True)}
    web = WEB.model_copy(update={"components": {"api": API.model_copy(update={"files": files}), "proxy": PROXY}})
    preview = service_preview(BEFORE, release("3.2.4", OTHER, web=web))
    assert node(preview, "web-1").restarts == ("api.service",)
    assert node(preview, "web-2").restarts == ()


def test_the_order_is_that_of_the_rollout() -> None:
    preview = service_preview(BEFORE, release("3.2.4", OTHER, web=NEW_PROGRAM))
    assert configured(preview) == [("database-1",), ("web-1",), ("web-2", "web-3")]
    kinds = [(step.kind, step.hook, step.seconds) for step in steps(preview)]
    batch = [("hook", "drain", None), ("configure", None, None), ("hook", "undrain", None), ("watch", None, 30)]
    assert kinds == [
        ("hosts", None, None),
        ("configure", None, None),
        *batch,
        *batch,
        ("smoke_tests", None, None),
        ("accept", None, None),
    ]


def test_nodes_leave_in_the_order_of_their_numbers() -> None:
    web = WEB.model_copy(update={"hooks": {"leave": HOOK}})
    eleven, eight = ({"database": 1, "web": count} for count in (11, 8))
    preview = service_preview(release(counts=eleven, web=web), release(counts=eight, web=web))
    left = [step.nodes[0].split(".")[0] for step in steps(preview) if step.hook == "leave"]
    assert left == ["web-11", "web-10", "web-9"]


def test_an_earlier_version_is_a_downgrade_and_another_content_a_change() -> None:
    assert service_preview(BEFORE, release("3.2.2", OTHER)).action == "downgrade"
    assert service_preview(BEFORE, release(digest=OTHER)).action == "change"


def test_a_service_that_is_new_and_one_that_goes() -> None:
    new = service_preview(None, BEFORE)
    assert (new.action, new.before) == ("create", None)
    assert set(actions(new).values()) == {"create"}
    assert {role.role: role.files.added for role in new.roles}["web"] == (
        "/etc/api.env",
        "/etc/first.env",
        "/etc/nginx/nginx.conf",
        "/opt/api/api.py",
    )
    gone = service_preview(BEFORE, None)
    assert (gone.action, gone.after, gone.steps) == ("remove", None, ())
    assert set(actions(gone).values()) == {"remove"}


def test_more_and_fewer_nodes() -> None:
    more = service_preview(release(counts={"database": 1, "web": 1}), BEFORE)
    assert actions(more) == {"database-1": "none", "web-1": "none", "web-2": "create", "web-3": "create"}
    assert configured(more) == [("web-2", "web-3")]
    fewer = service_preview(BEFORE, release(counts={"database": 1, "web": 2}))
    assert actions(fewer) == {"database-1": "none", "web-1": "none", "web-2": "none", "web-3": "remove"}
    assert [step.kind for step in steps(fewer)] == ["hosts", "smoke_tests", "accept"]


def test_drift_is_a_repair_and_a_new_machine_a_replacement() -> None:
    name = f"web-2.access-service.{DOMAIN}"
    drifted = service_preview(BEFORE, BEFORE, Found(drift={name: ("file /etc/api.env: gone",)}))
    assert (drifted.action, actions(drifted)["web-2"], actions(drifted)["web-1"]) == ("repair", "repair", "none")
    assert node(drifted, "web-2").drift == ("file /etc/api.env: gone",)
    assert configured(drifted) == [("web-2",)]
    replaced = service_preview(BEFORE, BEFORE, Found(new_machines={name}))
    assert (replaced.action, actions(replaced)["web-2"]) == ("repair", "replace")
    assert configured(replaced) == [("web-2",)]


def test_another_secret_restarts_what_reads_it() -> None:
    preview = service_preview(BEFORE, BEFORE, Found(secrets={"password"}))
    assert preview.secrets == ("password",)
    assert actions(preview)["database-1"] == "none"
    assert node(preview, "web-2").restarts == ("api.service",)
    assert preview.roles[0].files.changed == ("/etc/api.env",)


def test_a_unit_of_a_package_is_reloaded_and_units_of_ours_restart_with_packages() -> None:
    configuration = service_preview(BEFORE, release(web=with_file(WEB, "proxy", "/etc/nginx/nginx.conf", "2")))
    assert node(configuration, "web-2").reloads == ("nginx.service",)
    assert node(configuration, "web-2").restarts == ()
    upgraded = WEB.model_copy(update={"packages": {"nginx": package("1.24"), "lib": package("1")}})
    packages = service_preview(BEFORE, release(web=upgraded))
    assert node(packages, "web-2").restarts == ("api.service",)
    assert packages.roles[0].packages == (
        PackageChange(name="lib", before=None, after="1"),
        PackageChange(name="nginx", before="1.22", after="1.24"),
    )


def test_units_that_come_and_go() -> None:
    without = RolePlan(components={"proxy": WEB.components["proxy"]}, order=("proxy",), after=("database",))
    less = service_preview(BEFORE, release(web=without))
    assert node(less, "web-1").stops == ("api.service", "first.service")
    more = service_preview(release(web=without), BEFORE)
    assert node(more, "web-2").starts == ("api.service",)


def test_scripts_run_again_when_what_they_wait_for_changes() -> None:
    database = with_file(BEFORE.roles["database"], "store", "/srv/migrations/2.sql", "")
    preview = service_preview(BEFORE, release(database=database))
    assert preview.roles[0].scripts == ("store/migrate",)
    assert preview.roles[0].files.added == ("/srv/migrations/2.sql",)


def test_another_base_gives_all_nodes_new_machines_in_their_turn() -> None:
    preview = service_preview(BEFORE, changed(release("3.2.4", OTHER), base="debian-13"))
    assert actions(preview) == dict.fromkeys(("database-1", "web-1", "web-2", "web-3"), "replace")
    assert {each.base for each in preview.nodes} == {"debian-13"}
    kinds = [step.kind for step in steps(preview) if step.nodes == (f"web-1.access-service.{DOMAIN}",)]
    assert kinds == ["hook", "rebuild", "configure", "hook", "watch"]


def test_a_node_that_is_to_be_replaced_is_the_only_one_that_is_touched() -> None:
    preview = service_preview(BEFORE, BEFORE, Found(asked=[f"web-2.access-service.{DOMAIN}"]))
    assert preview.action == "repair"
    assert {name for name, action in actions(preview).items() if action != "none"} == {"web-2"}
    assert [step.nodes for step in steps(preview) if step.kind == "rebuild"] == [(f"web-2.access-service.{DOMAIN}",)]
