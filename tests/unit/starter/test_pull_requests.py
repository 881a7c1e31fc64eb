"""What previews pull requests: may do no more than it must, and keeps one comment up to date."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from soop_components.branch.document import marker
from soop_components.errors import InvalidInput
from soop_components.starter import begin, ci_kinds

REPOSITORY = Path(__file__).parents[3]
MARKER = marker("ours")


def written(tmp_path: Path, ci: str, name: str) -> Any:
    begin(tmp_path / "ours", ci)
    return yaml.safe_load((tmp_path / "ours" / name).read_text())


@pytest.fixture
def github(tmp_path: Path) -> Any:
    return written(tmp_path, "github", ".github/workflows/plan.yaml")


@pytest.fixture
def gitlab(tmp_path: Path) -> Any:
    return written(tmp_path, "gitlab", ".gitlab-ci.yml")


def run_of(job: dict[str, Any], name: str) -> str:
    (step,) = (step for step in job["steps"] if step["name"].startswith(name))
    return str(step["run"])


@pytest.mark.parametrize("ci", ci_kinds())
def test_is_added_to_a_project_that_is_there_and_changes_nothing_else(ci: str, tmp_path: Path) -> None:
    begin(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    added = begin(tmp_path, ci)
    assert ".ci/plan" in added
    assert (tmp_path / "Pulumi.yaml").read_text() == "name: shop\n"
    assert os.access(tmp_path / ".ci/plan", os.X_OK)
    assert begin(tmp_path, ci) == added
    (tmp_path / added[-1]).write_text("mine")
    with pytest.raises(InvalidInput, match=f"{added[-1]}: is there already"):
        begin(tmp_path, ci)


def test_github_gives_each_job_the_least_and_uses_no_action(github: Any) -> None:
    assert github[True] == {"pull_request": None}  # YAML 1.1 reads `on` so
    assert github["permissions"] == {}
    preview, comment = github["jobs"]["preview"], github["jobs"]["comment"]
    assert preview["permissions"] == {"contents": "read"}
    assert comment["permissions"] == {"pull-requests": "write"}
    assert all("uses" not in step for job in (preview, comment) for step in job["steps"])
    assert '.ci/plan "origin/$GITHUB_BASE_REF" preview.md' in run_of(preview, "Plan")
    assert all("git" not in step["run"].replace("github", "") for step in comment["steps"])
    assert "head.repo.full_name == github.repository" in comment["if"]


def test_this_repository_has_the_same_with_soop_out_of_the_branch(tmp_path: Path) -> None:
    given = written(tmp_path, "github", ".github/workflows/plan.yaml")
    ours = yaml.safe_load((REPOSITORY / ".github/workflows/plan.yaml").read_text())
    steps = ours["jobs"]["preview"]["steps"]
    (install,) = (step for step in steps if step["name"] == "Install soop out of the branch")
    assert install["run"].endswith("--editable .\n")
    steps.remove(install)
    name = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["name"]
    assert ours["jobs"]["comment"]["steps"][0]["env"].pop("MARKER") == marker(name)
    given["jobs"]["comment"]["steps"][0]["env"].pop("MARKER")
    assert ours == given
    assert (REPOSITORY / ".ci/plan").read_text() == (tmp_path / "ours/.ci/plan").read_text()


def test_nothing_of_an_event_is_pasted_into_a_script(github: Any, gitlab: Any) -> None:
    scripts = [step["run"] for job in github["jobs"].values() for step in job["steps"]]
    assert "${{" not in "".join(scripts)
    assert all(len(line) < 200 for script in scripts for line in script.splitlines())
    assert "eval" not in json.dumps(gitlab)


def test_github_gets_the_branch_as_it_would_be_merged_and_its_base(github: Any, tmp_path: Path) -> None:
    who = "-c user.name=Ann -c user.email=ann@example.com"
    make = f"""
        git init -q --initial-branch=main ours && cd ours
        git {who} commit -q --allow-empty -m base
        git {who} commit -q --allow-empty -m merged
        git update-ref refs/pull/5/merge HEAD && git reset -q --hard HEAD~
    """
    (tmp_path / "server").mkdir()
    (tmp_path / "work").mkdir()
    assert bash(make, tmp_path / "server").returncode == 0
    values = {"GITHUB_SERVER_URL": f"file://{tmp_path}/server", "GITHUB_REPOSITORY": "ours", "TOKEN": "t0ken"}
    values |= {"GITHUB_REF": "refs/pull/5/merge", "GITHUB_BASE_REF": "main", "HOME": str(tmp_path)}
    step = run_of(github["jobs"]["preview"], "Get the branch")
    step += 'git log -1 --format=%s HEAD; git log -1 --format=%s "$(git merge-base origin/main HEAD)"\n'
    done = bash(step, tmp_path / "work", GITHUB_WORKSPACE=str(tmp_path / "work"), **values)
    assert done.stdout == "merged\nbase\n", done.stderr
    assert "t0ken" not in "".join(path.read_text() for path in (tmp_path / "work/.git/config", tmp_path / ".gitconfig"))


@pytest.mark.parametrize("code", [0, 1])
def test_github_hands_the_preview_over_also_when_a_domain_cannot_be_planned(
    github: Any, tmp_path: Path, code: int
) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/plan").write_text(f"#!/bin/sh\necho '{MARKER}' >$2\necho second >>$2\nexit {code}\n")
    (tmp_path / ".ci/plan").chmod(0o755)
    files = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    done = bash(run_of(github["jobs"]["preview"], "Plan"), tmp_path, GITHUB_BASE_REF="main", **files)
    assert done.returncode == code
    head, *text, end = (tmp_path / "output").read_text().splitlines()
    assert head == f"preview<<{end}"
    assert text == [MARKER, "second", ""]


def test_github_updates_the_comment_that_is_there(github: Any, tmp_path: Path) -> None:
    said = tmp_path / "said"
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gh").write_text(
        f'#!/bin/sh\ncase "$*" in *--jq*) exec cat {tmp_path}/ids ;; esac\n{{ echo "$*"; cat preview.md; }} >>{said}\n'
    )
    (tools / "gh").chmod(0o755)
    step = github["jobs"]["comment"]["steps"][0]
    assert step["env"]["MARKER"] == MARKER
    for ids in ("", "17\n18\n"):
        (tmp_path / "ids").write_text(ids)
        path = f"{tools}:{os.environ['PATH']}"
        values = {"PATH": path, "PREVIEW": f"{MARKER}\nwhat `it` $does", "NUMBER": "5", "GITHUB_REPOSITORY": "us/ours"}
        assert bash(step["run"], tmp_path, **values).returncode == 0
    body = f"--field body=@preview.md\n{MARKER}\nwhat `it` $does\n"
    posted = f"api --silent --method POST repos/us/ours/issues/5/comments {body}"
    assert said.read_text() == f"{posted}api --silent --method PATCH repos/us/ours/issues/comments/17 {body}"


class Notes(BaseHTTPRequestHandler):
    """The notes of a merge request, as GitLab serves them: of somebody else on page 1, ours on page 2."""

    asked: list[tuple[str, str]]
    ours: list[dict[str, Any]]

    def do_GET(self) -> None:
        if self.path.endswith("/user"):
            return self.answer({"id": 7})
        others = [{"id": number, "author": {"id": 8}, "body": MARKER} for number in range(3)]
        page = int(self.path.rpartition("=")[2])
        return self.answer([others, self.ours, []][page - 1] if page < 3 else [])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        self.asked.append((f"{self.command} {self.path}", body))
        self.ours[:] = [{"id": 99, "author": {"id": 7}, "body": body}]
        self.answer(self.ours[0])

    do_PUT = do_POST

    def answer(self, content: object) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "s3cret"
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def api() -> Iterator[str]:
    Notes.asked, Notes.ours = [], []
    server = HTTPServer(("127.0.0.1", 0), Notes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api/v4"
    server.shutdown()
    server.server_close()


def test_gitlab_updates_the_note_that_is_there(gitlab: Any, tmp_path: Path, api: str) -> None:
    comment = gitlab["comment"]
    values = {"CI_API_V4_URL": api, "CI_PROJECT_ID": "3", "CI_MERGE_REQUEST_IID": "5", "no_proxy": "127.0.0.1"}
    (script,) = comment["script"]
    assert "no SOOP_PLAN_TOKEN" in bash(script, tmp_path, **comment["variables"], **values).stdout
    for text in ("first", "second"):
        (tmp_path / "preview.md").write_text(f"{MARKER}\n{text}")
        done = bash(script, tmp_path, SOOP_PLAN_TOKEN="s3cret", **comment["variables"], **values)
        assert done.returncode == 0, done.stderr
    notes = "/api/v4/projects/3/merge_requests/5/notes"
    assert Notes.asked == [(f"POST {notes}", f"{MARKER}\nfirst"), (f"PUT {notes}/99", f"{MARKER}\nsecond")]


def test_gitlab_runs_on_merge_requests_only_and_writes_the_note_apart_from_the_branch(gitlab: Any) -> None:
    preview, comment = gitlab["preview"], gitlab["comment"]
    for job in (preview, comment):
        assert [rule["if"] for rule in job["rules"]] == ['$CI_PIPELINE_SOURCE == "merge_request_event"']
    assert preview["script"][-1] == '.ci/plan "origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME" preview.md'
    assert preview["artifacts"]["when"] == "always"
    assert comment["variables"] == {"GIT_STRATEGY": "none", "MARKER": MARKER}
    assert comment["environment"] == {"name": "soop-plan", "action": "access"}


def bash(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    argv = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
