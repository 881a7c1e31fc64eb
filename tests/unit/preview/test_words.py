"""Words for previews: summary first, details below, nothing that Markdown or a terminal takes for its own."""

from __future__ import annotations

from soop_components.preview import DomainPreview, as_markdown, as_text
from soop_components.preview.facts import Loss, ResourceChange
from soop_components.preview.nodes import Found
from soop_components.preview.service import service_preview
from tests.unit.preview.previewed import DOMAIN, OTHER, WEB, release, with_file

DRIFT = {f"web-2.access-service.{DOMAIN}": ("file /etc/x: <b>```\x1b[2J",)}
UPGRADE = service_preview(
    release(), release("3.2.4", OTHER, web=with_file(WEB, "api", "/opt/api/api.py", "2")), Found(drift=DRIFT)
)
PREVIEW = DomainPreview(
    domain=DOMAIN,
    services=(UPGRADE,),
    resources=(ResourceChange(type="soop:index:Disk", name="old-1", action="delete"),),
    losses=(Loss(kind="disk", subject="old-1"),),
)
TEXT = r"""dev-access: what an update would do
access-service 3.2.3 -> 3.2.4, upgrade; nodes: 3 configured, 1 with no change but the name of the version
CANNOT BE UNDONE: the disk of old-1 is deleted with its data by --with-data or SOOP_WITH_DATA=1; else the update fails

access-service: nodes
  database-1: no change but the name of the version
  web-1: configured; restarts api.service, first.service
  web-2: configured; restarts api.service; drift: file /etc/x: <b>```\x1b[2J
  web-3: configured; restarts api.service

access-service: order
  1. tell all nodes the names of all nodes
  2. database-1: configure
  3. web-1: drain, configure, undrain, watch for 30 s
     web-2, web-3 at once: drain, configure, undrain, watch for 30 s
  4. try it out: health
  5. accept on all nodes; if anything fails before, all are rolled back

access-service: what changes on nodes of the role web
  files changed: 1: /opt/api/api.py

machines, disks and other resources
  disk deleted: old-1"""


def test_text() -> None:
    assert as_text(PREVIEW) == TEXT


def test_no_changes_are_one_line() -> None:
    same = DomainPreview(domain=DOMAIN, services=(service_preview(release(), release()),))
    assert as_text(same) == "dev-access: no changes"
    assert as_markdown(same) == "### dev-access: no changes\n\n"


def test_markdown_is_folded_and_nothing_in_it_is_markup() -> None:
    markdown = as_markdown(PREVIEW)
    assert markdown.startswith("### dev-access: what an update would do\n\n* access-service 3.2.3 -\\> 3.2.4, upgrade")
    assert markdown.count("<details>") == markdown.count("</details>") == 4
    (line,) = (line for line in markdown.splitlines() if "<b>" in line)
    assert "\x1b" not in line
    assert "````text\n" in markdown


def test_markdown_has_a_limit() -> None:
    assert len(as_markdown(PREVIEW, 700)) <= 700
    assert "More does not fit here" in as_markdown(PREVIEW, 700)
