"""What virtual machines are told at their first start, and what libvirt is told of them."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from soop_components.machines.libvirt.domain_xml import Source, stylesheet
from soop_components.machines.libvirt.seed import meta_data, network_config

XSL = "{http://www.w3.org/1999/XSL/Transform}"


def test_a_machine_has_a_first_start_of_its_own() -> None:
    one, other = (json.loads(meta_data("web-1.a.test-a", machine)) for machine in ("0123", "4567"))
    assert one["instance-id"] != other["instance-id"]
    assert one["local-hostname"] == other["local-hostname"] == "web-1.a.test-a"


def test_its_address_is_fixed_and_its_way_out_is_libvirt_s_host() -> None:
    assert json.loads(network_config("10.80.7.0/24", "10.80.7.2")) == {
        "version": 2,
        "ethernets": {
            "domain": {
                "match": {"macaddress": "52:54:00:50:07:02"},
                "addresses": ["10.80.7.2/24"],
                "nameservers": {"addresses": ["10.80.7.1"]},
                "routes": [{"to": "0.0.0.0/0", "via": "10.80.7.1"}],
            }
        },
    }


def test_disks_are_named_by_their_files() -> None:
    sources = [Source("web-1-root", "/pool/a&b/web-1-root"), Source("web-1-data", '/pool/"/web-1-data', "soop-data")]
    templates = ElementTree.fromstring(stylesheet(sources)).iter(f"{XSL}template")
    found = {each.get("match", ""): [(part.tag, part.get("file"), part.text) for part in each] for each in templates}
    assert found["disk/source[@volume = 'web-1-root']"] == [("source", "/pool/a&b/web-1-root", None)]
    assert found["disk/source[@volume = 'web-1-data']"] == [
        ("source", '/pool/"/web-1-data', None),
        ("serial", None, "soop-data"),
    ]
    assert "disk/@type[. = 'volume']" in found
