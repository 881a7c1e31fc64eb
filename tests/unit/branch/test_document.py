"""One document of all domains that a branch touches: nothing is lost without being mentioned."""

from __future__ import annotations

from soop_components.branch.document import branch_as_markdown, branch_as_text, marker
from soop_components.branch.plans import TouchedDomain
from soop_components.branch.touched import Touch
from soop_components.preview import DomainPreview
from soop_components.preview.service import service_preview
from tests.unit.preview.previewed import OTHER, release

CHANGED = (Touch("definition"),)
UPGRADE = service_preview(release(), release("3.2.4", OTHER))


def domain(id: str, services: int = 1) -> TouchedDomain:
    return TouchedDomain(id, CHANGED, DomainPreview(domain=id, services=(UPGRADE,) * services), "state")


BROKEN = TouchedDomain("dev-b", (Touch("environment", "dev"),), problems=("stacks/x: *no* ```such", "build it"))
GONE = TouchedDomain("dev-c", (Touch("removed definition"),))
BY_DEFINITION = TouchedDomain("dev-d", (Touch("source", "shop-1.0.0"),), domain("dev-d").preview, "definitions")


def test_text() -> None:
    text = branch_as_text("origin/main", [BROKEN, GONE, BY_DEFINITION])
    assert text.startswith("This branch touches 3 domains, compared with origin/main\n\ndev-b: the environment dev is")
    assert "\ndev-b: stacks/x: *no* ```such\ndev-b: build it\ndev-b: cannot be planned\n" in text
    assert "dev-c: has no definition any more; it stays deployed until `soop destroy`" in text
    assert "access-service 3.2.3 -> 3.2.4, upgrade" in text
    assert "dev-d: compared with origin/main, not with what is deployed" in text


def test_markdown_has_a_marker_a_heading_per_domain_and_folded_problems() -> None:
    markdown = branch_as_markdown("ours", "origin/main", [domain("dev-a"), BROKEN, GONE, BY_DEFINITION])
    assert markdown.startswith(f"{marker('ours')}\n## This branch touches 4 domains, compared with origin/main\n")
    headings = [line for line in markdown.splitlines() if line.startswith("### ")]
    assert [heading[4:9] for heading in headings] == ["dev-a", "dev-b", "dev-c", "dev-d"]
    assert markdown.count("<details>") == markdown.count("</details>")
    assert "````text\nstacks/x: *no* ```such\nbuild it\n````" in markdown


def test_no_domain() -> None:
    assert "## This branch touches no domains, compared with main\n" in branch_as_markdown("ours", "main", [])


def test_has_a_limit_and_names_what_does_not_fit() -> None:
    many = [domain(f"dev-{number}") for number in range(3000)]
    markdown = branch_as_markdown("ours", "main", many)
    assert len(markdown.encode()) <= 65_536
    assert markdown.count("\n### dev-") + int(markdown.splitlines()[-1].split()[0]) == 3000
    assert "more domains do not fit here; `soop plan` shows them: dev-" in markdown
    assert markdown.count("<details>") == markdown.count("</details>")
    assert branch_as_markdown("ours", "main", many[:100]).count("\n### dev-") == 100


def test_one_domain_with_very_much_to_say_leaves_room_for_the_others() -> None:
    wrong = TouchedDomain("dev-b", CHANGED, problems=tuple(f"{number} is ü wrong" * 20 for number in range(1000)))
    markdown = branch_as_markdown("ours", "main", [domain("dev-a", services=2000), wrong, domain("dev-c")])
    assert len(markdown.encode()) <= 65_536
    assert markdown.count("\n### dev-") == 3
    assert "more lines do not fit here" in markdown
    assert "\n950 more\n" in markdown
