"""Asks systemd for properties of units over its own socket, as systemctl does, which takes ten times as long to start.

The messages are those of D-Bus: https://dbus.freedesktop.org/doc/dbus-specification.html
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_SOCKET = "/run/systemd/private"
_OF_EVERY_UNIT = {
    "Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "NeedDaemonReload", "CanReload", "ConsistsOf",
    "Names", "FragmentPath", "SourcePath", "DropInPaths", "TriggeredBy",
}  # fmt: skip
_METHOD_CALL, _RETURN, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _REPLY_SERIAL, _SIGNATURE = 1, 2, 3, 5, 8
_HEAD = struct.Struct("<cBBBIII")
_CHUNK = 65536


def show(properties: Sequence[str], names: Sequence[str], patience: float) -> list[dict[str, str]] | None:
    """Return properties of units as systemctl shows them, without those that a unit does not have.

    None if systemd cannot be asked this way, or does not answer within ``patience`` seconds.
    """
    import socket  # what takes a while to load is loaded when it is needed

    asked = [(name, property_) for name in names for property_ in properties]
    calls = b"".join(_call(serial, *each) for serial, each in enumerate(asked, 1))
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(patience)
            link.connect(_SOCKET)
            link.sendall(b"\0AUTH EXTERNAL %s\r\nBEGIN\r\n" % str(os.geteuid()).encode().hex().encode() + calls)
            replies = _replies(iter(lambda: link.recv(_CHUNK), b""))
            for _ in asked:
                serial, value = next(replies)
                name, property_ = asked[serial - 1]
                if value is not None:
                    found[name][property_] = value
    except (OSError, ValueError, IndexError, struct.error, StopIteration):
        return None
    return [found[name] for name in names]


def object_path(unit: str) -> str:
    """Return the path of a unit on the bus; all but letters and digits, and a digit at the beginning, is escaped."""
    escaped = re.sub(rb"[^A-Za-z0-9]|^\d", lambda found: b"_%02x" % ord(found[0]), unit.encode())
    return f"/org/freedesktop/systemd1/unit/{escaped.decode()}"


def _call(serial: int, unit: str, property_: str) -> bytes:
    """Return a call of ``Get`` for one property."""
    kind = "Unit" if property_ in _OF_EVERY_UNIT else unit.rpartition(".")[2].capitalize()
    body = _padded(_text(f"org.freedesktop.systemd1.{kind}"), 4) + _text(property_)
    fields = b""
    for code, signature, value in (
        (_PATH, b"o", _text(object_path(unit))),
        (_INTERFACE, b"s", _text("org.freedesktop.DBus.Properties")),
        (_MEMBER, b"s", _text("Get")),
        (_SIGNATURE, b"g", b"\2ss\0"),
    ):
        fields = _padded(fields, 8) + bytes([code, 1]) + signature + b"\0" + value
    return _padded(_HEAD.pack(b"l", _METHOD_CALL, 0, 1, len(body), serial, len(fields)) + fields, 8) + body


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<I", len(raw)) + raw + b"\0"


def _padded(data: bytes, to: int) -> bytes:
    return data + bytes(-len(data) % to)


def _replies(pieces: Iterable[bytes]) -> Iterator[tuple[int, str | None]]:
    """Yield of each answer which call it is for, and the value; None for an error."""
    data, greeted = b"", False
    for piece in pieces:
        data += piece
        if not greeted:
            greeting, end, rest = data.partition(b"\r\n")
            if not end:
                continue
            if not greeting.startswith(b"OK "):
                raise ValueError("systemd does not know us")
            data, greeted = rest, True
        while len(data) >= _HEAD.size:
            order, kind, _, _, length, _, fields = _HEAD.unpack_from(data)
            if order != b"l":
                raise ValueError("systemd speaks in another byte order")
            begin = _aligned(_HEAD.size + fields, 8)
            if len(data) < begin + length:
                break
            message, data = data[: begin + length], data[begin + length :]
            if kind in (_RETURN, _ERROR):
                yield _reply_serial(message, _HEAD.size + fields), _variant(message, begin) if kind == _RETURN else None


def _reply_serial(message: bytes, end: int) -> int:
    at = _HEAD.size
    while at < end:
        at = _aligned(at, 8)
        code = message[at]
        value, at = _value(message, at + 1)
        if code == _REPLY_SERIAL:
            return int(value)
    raise ValueError("an answer to nothing")


def _variant(message: bytes, at: int) -> str | None:
    """Return a value as systemctl shows it, which leaves out a list of files without any."""
    value, _ = _value(message, at)
    if value == [] and message[at + 2 : at + 3] == b"(":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, list) else str(value)


def _value(message: bytes, at: int) -> tuple[Any, int]:
    """Return a value that is preceded by its signature, and where it ends."""
    signature, at = _read(message, at, "g")
    if signature[:1] != "a":
        return _read(message, at, signature)
    at = _aligned(at, 4)
    (length,) = struct.unpack_from("<I", message, at)
    at = _aligned(at + 4, 8 if signature[1] == "(" else 4)
    end, items = at + length, []
    while at < end:
        item, at = _read(message, at, signature[1:])
        items.append(item)
    return items, at


def _read(message: bytes, at: int, kind: str) -> tuple[Any, int]:
    if kind == "g":
        end = at + 1 + message[at]
        return message[at + 1 : end].decode(), end + 1
    if kind in ("s", "o"):
        at = _aligned(at, 4)
        (length,) = struct.unpack_from("<I", message, at)
        end = at + 4 + length
        return message[at + 4 : end].decode(errors="backslashreplace"), end + 1
    if kind in ("u", "i", "b"):
        at = _aligned(at, 4)
        (number,) = struct.unpack_from("<i" if kind == "i" else "<I", message, at)
        return bool(number) if kind == "b" else number, at + 4
    if kind == "(sb)":
        path, at = _read(message, _aligned(at, 8), "s")
        optional, at = _read(message, at, "b")
        return f"{path} (ignore_errors={'yes' if optional else 'no'})", at
    if kind in ("t", "x"):
        at = _aligned(at, 8)
        return struct.unpack_from("<Q" if kind == "t" else "<q", message, at)[0], at + 8
    raise ValueError(f"a value of kind {kind!r}")


def _aligned(at: int, to: int) -> int:
    return at + -at % to
