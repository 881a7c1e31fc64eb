"""Documentation: links lead somewhere, and commands that it prints exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from soop_components.cli.main import parser

CHECKOUT = Path(__file__).resolve().parents[2]
STARTER = CHECKOUT / "soop_components/starter/files/README.md"
PAGES = [*sorted(CHECKOUT.glob("*.md")), *sorted(CHECKOUT.glob("docs/**/*.md")), STARTER]
NAMES = [str(page.relative_to(CHECKOUT)) for page in PAGES]


def anchor(heading: str) -> str:
    """Return what links to a heading end in, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        path, _, chapter = target.partition("#")
        if path.startswith("https://"):
            continue
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if chapter:
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
            assert chapter in [anchor(heading) for heading in headings], target


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_that_it_prints_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    for line in re.findall(r"^\$ (.+)$", page.read_text(), re.MULTILINE):
        for command in re.sub(r"\s+#.*", "", line).split(" && "):
            program, *words = shlex.split(command)
            if program.rpartition("/")[2] == "soop":
                parser(words).parse_args(words)
            elif program == "make":
                assert {word for word in words if "=" not in word} <= targets, command


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_verbs_that_it_speaks_of_exist(page: Path) -> None:
    verbs = set(re.findall(r"`soop ([a-z]+)[ `]", page.read_text()))
    assert verbs <= set(re.findall(r"^    (\w+)  ", parser().format_help(), re.MULTILINE))


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [CHECKOUT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.exists():
            continue
        reached |= {page, *(page.glob("*.md") if page.is_dir() else ())}
        if page.suffix == ".md":
            paths = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", page.read_text())]
            waiting += [(page.parent / path).resolve() for path in paths if path and not path.startswith("https://")]
    assert {page for page in PAGES if page != STARTER} <= reached
