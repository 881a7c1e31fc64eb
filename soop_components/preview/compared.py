"""How two previews of the same update differ, in words."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

from soop_components.preview.facts import DomainPreview, ServicePreview
from soop_components.preview.words import loss_in_words, node_in_words, resource_in_words, service_in_words

_Key = TypeVar("_Key", bound=Hashable)
_Fact = TypeVar("_Fact")


def differences(before: DomainPreview, after: DomainPreview) -> Iterator[str]:
    """Yield what would be done otherwise; warnings do not count."""
    services = ({each.service: each for each in preview.services} for preview in (before, after))
    for name, old, new in _different(*services):
        nodes = list(_nodes(old, new)) if old and new else []
        yield from nodes or [_otherwise(name, service_in_words, old, new)]
    resources = ({(each.type, each.name): each for each in preview.resources} for preview in (before, after))
    for (_, name), change, other in _different(*resources):
        yield _otherwise(name, resource_in_words, change, other)
    losses = ({each: each for each in preview.losses} for preview in (before, after))
    for loss, reviewed, _ in _different(*losses):
        yield f"{loss_in_words(loss)}: {'not any more' if reviewed else 'that was not reviewed'}"


def _nodes(before: ServicePreview, after: ServicePreview) -> Iterator[str]:
    nodes = ({each.node: each for each in service.nodes} for service in (before, after))
    for name, old, new in _different(*nodes):
        yield _otherwise(name, node_in_words, old, new)


def _different(
    before: Mapping[_Key, _Fact], after: Mapping[_Key, _Fact]
) -> Iterator[tuple[_Key, _Fact | None, _Fact | None]]:
    """Yield the keys whose facts differ, with both; None where there is none."""
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            yield key, before.get(key), after.get(key)


def _otherwise(name: str, words: Callable[[_Fact], str], before: _Fact | None, after: _Fact | None) -> str:
    old, new = ("nothing" if fact is None else words(fact) for fact in (before, after))
    return f"{name}: reviewed was: {old}; now it is: {new}" if old != new else f"{name}: differs in its details"
