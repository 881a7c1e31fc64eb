"""Properties of units over systemd's own socket, which is played; against the real one in scenarios."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from soop_components.runner import bus

GREETING = b"OK 0123\r\n"


def test_where_a_unit_is() -> None:
    begin = "/org/freedesktop/systemd1/unit/"
    assert bus.object_path("app-1.service") == f"{begin}app_2d1_2eservice"
    assert bus.object_path("1a@b.timer") == f"{begin}_31a_40b_2etimer"
    assert bus.object_path("ü.mount") == f"{begin}_c3_bc_2emount"


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode() + b"\0"


def answer(serial: int, signature: bytes, value: bytes, kind: int = 2) -> bytes:
    """Return a message with one value in its body, which begins where one of 8 bytes may."""
    fields = b"\5\1u\0" + struct.pack("<I", serial) + b"\6\1s\0" + text("me")
    body = bytes([len(signature)]) + signature + b"\0"
    body += bytes(-len(body) % (8 if signature == b"t" else 4)) + value
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), 7, len(fields)) + fields
    return head + bytes(-len(head) % 8) + body


VALUES = [
    ("ActiveState", b"s", text("active"), "active"),
    ("NeedDaemonReload", b"b", struct.pack("<I", 0), "no"),
    ("CanReload", b"b", struct.pack("<I", 1), "yes"),
    ("NRestarts", b"u", struct.pack("<I", 3), "3"),
    ("ExecMainStartTimestampMonotonic", b"t", struct.pack("<Q", 1 << 40), str(1 << 40)),
    ("ConsistsOf", b"as", struct.pack("<I", 15) + text("a") + b"\0\0" + text("bc"), "a bc"),
    ("ConsistsOf", b"as", struct.pack("<I", 0), ""),
    (
        "EnvironmentFiles",
        b"a(sb)",
        struct.pack("<II", 28, 0)
        + text("/a")
        + b"\0"
        + struct.pack("<I", 1)
        + bytes(4)
        + text("/b")
        + b"\0"
        + bytes(4),
        "/a (ignore_errors=yes) /b (ignore_errors=no)",
    ),
]


@contextmanager
def systemd(folder: Path, monkeypatch: pytest.MonkeyPatch, *pieces: bytes) -> Iterator[list[bytes]]:
    """Play a systemd that says these pieces, and collect what it gets."""
    sent: list[bytes] = []
    path = folder / "private"
    monkeypatch.setattr(bus, "_SOCKET", str(path))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            link, _ = listening.accept()
            with link:
                sent.append(link.recv(65536))
                for piece in pieces:
                    link.sendall(piece)

        server = threading.Thread(target=serve)
        server.start()
        yield sent
        server.join()


@pytest.mark.parametrize(("property_", "signature", "value", "shown"), VALUES)
def test_values_look_as_systemctl_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, property_: str, signature: bytes, value: bytes, shown: str
) -> None:
    with systemd(tmp_path, monkeypatch, GREETING + answer(1, signature, value)) as sent:
        assert bus.show([property_], ["app.service"], 5) == [{property_: shown}]
    assert sent[0].startswith(b"\0AUTH EXTERNAL ")
    assert b"app_2eservice" in sent[0]


def test_answers_come_in_any_order_and_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = answer(9, b"s", text("somebody did something"), kind=4)
    whole = GREETING + answer(2, b"s", text("two")) + signal + answer(1, b"s", text("one"))
    with systemd(tmp_path, monkeypatch, *(whole[at : at + 7] for at in range(0, len(whole), 7))):
        assert bus.show(["Id"], ["a.service", "b.service"], 5) == [{"Id": "one"}, {"Id": "two"}]


def test_what_a_unit_does_not_have_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = answer(2, b"s", text("Unknown property"), kind=3)
    with systemd(tmp_path, monkeypatch, GREETING + answer(1, b"s", text("a.target")) + refusal):
        assert bus.show(["Id", "Result"], ["a.target"], 5) == [{"Id": "a.target"}]


@pytest.mark.parametrize(
    "said",
    [b"REJECTED\r\n", GREETING, GREETING + answer(1, b"s", text("cut off"))[:-3], GREETING + b"B" + bytes(40), b"OK"],
)
def test_another_way_is_needed_where_systemd_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    with systemd(tmp_path, monkeypatch, said):
        assert bus.show(["Id"], ["a.service"], 5) is None


def test_another_way_is_needed_where_no_systemd_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "_SOCKET", str(tmp_path / "none"))
    assert bus.show(["Id"], ["a.service"], 5) is None
