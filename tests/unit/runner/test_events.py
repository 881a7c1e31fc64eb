from __future__ import annotations

import json

from soop_components.runner.events import Events
from soop_components.runner.marks import encode
from soop_components.runner.protocol import Failed, Inspected
from soop_components.runner.vocabulary import Change, Version
from soop_components.runner.wire import read_event


def said(secrets: list[str], text: str) -> str:
    lines: list[str] = []
    events = Events(lines.append)
    events.hide(secrets)
    events.progress(text)
    return str(json.loads(lines[0])["message"])


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    assert said(["s3cret"], "password=s3cret and s3cret!") == "password=[secret] and [secret]!"


def test_an_encoded_secret_is_hidden_too() -> None:
    secret = 'it\'s 100% "$x"'
    for text in ("it%27s%20100%25%20%22%24x%22", "'it''s 100% \"$x\"'", 'it\'s 100% \\"\\$x\\"', 'it\'s 100% \\"$x\\"'):
        assert "100" not in said([secret], f"see {text}."), text


def test_the_longest_of_overlapping_secrets_goes_first() -> None:
    assert said(["abc", "abcdef"], "abcdef abc") == "[secret] [secret]"


def test_each_line_of_a_long_secret_is_hidden() -> None:
    assert said(["-----BEGIN-----\nMIIEowIBAAKCAQEA\nab"], "journal: MIIEowIBAAKCAQEA") == "journal: [secret]"


def test_an_empty_secret_hides_nothing() -> None:
    assert said([""], "all well") == "all well"


def test_everything_in_an_event_is_masked() -> None:
    lines: list[str] = []
    events = Events(lines.append)
    events.hide(["s3cret"])
    events.write(Failed(None, "s3cret", stderr_tail="a s3cret", rollback_failure=Failed(None, "s3cret")))
    assert "s3cret" not in lines[0]


def test_a_fingerprint_of_a_secret_is_no_secret() -> None:
    fingerprint = encode("s3cret", "fingerprint")
    assert said(["s3cret"], f"role access_{fingerprint}") == f"role access_{fingerprint}"


def test_the_deployer_reads_identifiers_and_words_as_they_are_whatever_the_secrets_are() -> None:
    version = Version("access-service", "3.2.3", "sha256:ab12", "sha256:cd34")
    answer = Inspected(("sha256:ab12",), (Change("file", "/etc/file-1", "write"),), version, None, "3f", "debian-12")
    lines: list[str] = []
    events = Events(lines.append)
    events.hide(["1", "e", "file", "sha256", "result", "event", "write"])
    events.write(answer)
    shown = read_event(lines[0], Inspected)
    assert isinstance(shown, Inspected)
    assert shown == answer._replace(changes=shown.changes)
    assert shown.changes[0].kind == "file"
    assert shown.changes[0].action == "write"
    assert "file-1" not in shown.changes[0].subject
