from __future__ import annotations

from textwrap import dedent

import pytest

from soop_components.errors import SoopError
from soop_components.model.names import Reference
from soop_components.reading.domain_text import completed_text, is_begun, new_domain_text, references_in, with_services
from soop_components.reading.yaml_file import parse_yaml

ACCESS = Reference("access-service", "3.2.4")
GATEWAY = Reference("gateway-service", "1.2.3")
COMMENTED = """\
# Ours; ask operations before you change it.
config:
    soop:environment:   prod    # the real one

    soop:services:
      # the heart
      - nodes: {web: 4, database: 1}
        service:   access-service-3.2.3    # since the release of May
        config:
          port: 8081


      # the door is kept by the gateway team
    soop:secrets: {}
encryptionsalt: v1:abc=
"""


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    return [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]


def test_changes_one_line_and_keeps_all_else() -> None:
    after = with_services(COMMENTED, [ACCESS])
    assert changed_lines(COMMENTED, after) == [
        (
            "        service:   access-service-3.2.3    # since the release of May",
            "        service:   access-service-3.2.4    # since the release of May",
        )
    ]
    assert with_services(after, [Reference("access-service", "3.2.3")]) == COMMENTED


def test_same_version_changes_nothing() -> None:
    assert with_services(COMMENTED, [Reference("access-service", "3.2.3")]) == COMMENTED


def test_adds_a_service_after_the_last_one() -> None:
    after = with_services(COMMENTED, [GATEWAY])
    assert after == COMMENTED.replace("port: 8081\n", "port: 8081\n      - service: gateway-service-1.2.3\n")


def test_several_at_once() -> None:
    after = with_services(COMMENTED, [GATEWAY, ACCESS])
    assert references_in(after) == (ACCESS, GATEWAY)


def test_longer_name_is_another_service() -> None:
    text = "config:\n  soop:environment: dev\n  soop:services:\n  - service: access-service-api-1.0.0"
    after = with_services(text, [ACCESS])
    assert after == text + "\n  - service: access-service-3.2.4\n"


@pytest.mark.parametrize("quote", ["'", '"'])
def test_keeps_quotes(quote: str) -> None:
    text = f"config: {{soop:environment: dev, soop:services: [{{service: {quote}access-service-3.2.3{quote}}}]}}\n"
    assert with_services(text, [ACCESS]) == text.replace("3.2.3", "3.2.4")


def test_adds_to_a_list_in_one_line() -> None:
    text = "config:\n  soop:services: [{service: access-service-3.2.3}, ] # all\n"
    assert with_services(text, [GATEWAY]) == text.replace("3.2.3}", "3.2.3}, {service: gateway-service-1.2.3}")


def test_keeps_carriage_returns_and_byte_order_mark() -> None:
    text = "\ufeffconfig:\r\n  soop:services:\r\n    - service: access-service-3.2.3\r\n  soop:environment: dev\r\n"
    after = with_services(text, [ACCESS, GATEWAY])
    expected = text.replace("3.2.3\r\n", "3.2.4\r\n    - service: gateway-service-1.2.3\r\n")
    assert after == expected


@pytest.mark.parametrize(
    "tail",
    [
        "        banner: |\n          two\n          lines\n",
        "        banner: >-\n          folded\n\n",
        "        banner:\n",
        "        banner: plain # and a comment\n",
        "        banner: a plain text\n          over two lines\n",
        "        banner: [a,\n          b]   # odd\n",
    ],
)
def test_adds_after_every_kind_of_ending(tail: str) -> None:
    head = "config:\n  soop:services:\n    - service: access-service-3.2.3\n      config:\n"
    text = f"{head}{tail}  soop:environment: dev\n"
    after = with_services(text, [GATEWAY])
    added = "    - service: gateway-service-1.2.3\n"
    assert after.replace(added, "") == text
    assert references_in(after) == (Reference("access-service", "3.2.3"), GATEWAY)


def test_new_domain_holds_defaults_only() -> None:
    assert new_domain_text("dev-two-access", [ACCESS, GATEWAY]) == dedent("""\
        # What is deployed in the domain dev-two-access; `soop deploy` began it with defaults.
        config:
          soop:environment: dev
          soop:services:
            - service: access-service-3.2.4
            - service: gateway-service-1.2.3
        """)


def test_refuses_what_only_the_other_parser_reads() -> None:
    text = "config:\n  soop:services:\n    - service: access-service-3.2.3\n      nodes: {web: \t1}\n"
    assert parse_yaml(text, "x").data["config"]["soop:services"][0]["nodes"] == {"web": 1}
    with pytest.raises(
        SoopError, match=r"^cannot change the domain definition: line 4: found character '\\t' that"
    ) as raised:
        with_services(text, [ACCESS])
    assert raised.value.hint == "write it into soop:services by hand, then run `pulumi up`"


def test_refuses_a_text_without_services() -> None:
    with pytest.raises(SoopError, match="has no soop:services"):
        with_services("config: {}\n", [ACCESS])


REFERENCES = [Reference.parse("access-service-3.2.3")]
SECRETS = "  soop:secrets:\n    access-service:\n      key:\n        secure: v1:b\n"
BEGUN = {
    "nothing": ("", "config:\nBEGINNING"),
    "salt": ("encryptionsalt: v1:a\n", "encryptionsalt: v1:a\nconfig:\nBEGINNING"),
    "no values": ("config:\n", "config:\nBEGINNING"),
    "a secret": (
        f"encryptionsalt: v1:a\nconfig:\n  # mine\n{SECRETS}",
        f"encryptionsalt: v1:a\nconfig:\n  # mine\nBEGINNING{SECRETS}",
    ),
}


@pytest.mark.parametrize("kind", BEGUN)
def test_a_text_that_pulumi_began_is_completed(kind: str) -> None:
    before, after = BEGUN[kind]
    assert is_begun(before)
    completed = completed_text(before, "dev-access", REFERENCES)
    beginning = "  soop:environment: dev\n  soop:services:\n    - service: access-service-3.2.3\n"
    assert completed == after.replace("BEGINNING", beginning)
    assert not is_begun(completed)


@pytest.mark.parametrize("text", ["config: {soop:environment: dev}\n", "config: 5\n", "- a\n", "config: &b {}\n"])
def test_a_text_that_says_something_of_a_definition_or_is_none(text: str) -> None:
    assert not is_begun(text)


def test_a_text_that_pulumi_did_not_write_is_left_alone() -> None:
    with pytest.raises(SoopError, match="not written as Pulumi writes it"):
        completed_text("config: {soop:secrets: {}}\n", "dev-access", REFERENCES)
