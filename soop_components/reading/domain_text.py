"""Changes a domain definition's text by exactly what was asked for: comments, order and spacing stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import yaml

from soop_components.errors import InvalidInput, SoopError
from soop_components.model.domain import ENVIRONMENT, SERVICES
from soop_components.model.names import Reference, environment_of
from soop_components.reading.yaml_file import parse_yaml

_BOM = "\ufeff"
_BY_HAND = f"write it into {SERVICES} by hand, then run `pulumi up`"


def new_domain_text(domain: str, references: Sequence[Reference]) -> str:
    """Return a domain definition that leaves everything but the services to their defaults."""
    services = "".join(f"    - service: {reference}\n" for reference in references)
    return (
        f"# What is deployed in the domain {domain}; `soop deploy` began it with defaults.\n"
        f"config:\n"
        f"  soop:environment: {environment_of(domain)}\n"
        f"  {SERVICES}:\n{services}"
    )


def is_begun(text: str) -> bool:
    """Return whether a stack's configuration is one that Pulumi began, with secrets perhaps, and no definition yet."""
    try:
        document = parse_yaml(text, "")
    except InvalidInput:
        return False
    data = document.data
    if document.problems:
        return False
    config = data.get("config") if isinstance(data, dict) else None
    if config is None:
        return data is None or isinstance(data, dict)
    return isinstance(config, dict) and not {ENVIRONMENT, SERVICES} & config.keys()


def completed_text(text: str, domain: str, references: Sequence[Reference]) -> str:
    """Return a text that Pulumi began with the beginning of a definition in it; what it says stays."""
    beginning = new_domain_text(domain, references).partition("config:\n")[2]
    config = _value(_composed(text), "config")
    if config is None or config.start_mark.index == config.end_mark.index:
        head = text.rstrip("\n").removesuffix("config:").rstrip("\n")
        return f"{head}\nconfig:\n{beginning}".lstrip("\n")
    if not isinstance(config, yaml.MappingNode) or config.flow_style or config.start_mark.column != len("  "):
        raise SoopError("cannot change the domain definition: config is not written as Pulumi writes it", _BY_HAND)
    start = config.start_mark.index - config.start_mark.column
    return text[:start] + beginning + text[start:]


def with_services(text: str, references: Iterable[Reference]) -> str:
    """Return the text with each reference in place of the same service's, or added after the last service."""
    for reference in references:
        text = _with_service(text, reference)
    return text


def references_in(text: str) -> tuple[Reference, ...]:
    """Return the references of a valid domain definition's text."""
    return tuple(reference for reference, _ in _service_nodes(_services(text)))


def _with_service(text: str, reference: Reference) -> str:
    mark = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    services = _services(body)
    for known, node in _service_nodes(services):
        if known.service == reference.service:
            changed = _replaced(body, node, str(reference))
            break
    else:
        changed = _added(body, services, reference)
    _check(body, changed, reference)
    return mark + changed


def _services(text: str) -> yaml.SequenceNode:
    """Return the node of ``config: soop:services:``."""
    node = _composed(text)
    for key in ("config", SERVICES):
        node = _value(node, key)
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise SoopError(f"the domain definition has no {SERVICES} to change", f"write {SERVICES} under config: first")
    return node


def _composed(text: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:  # it is stricter than the parser that reads definitions: about tabs, say
        where = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise SoopError(f"cannot change the domain definition:{where} {error.problem}", _BY_HAND) from None
    return node


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _service_nodes(services: yaml.SequenceNode) -> Iterator[tuple[Reference, yaml.ScalarNode]]:
    for item in services.value:
        node = _value(item, "service")
        if isinstance(node, yaml.ScalarNode):
            yield Reference.parse(node.value), node


def _replaced(text: str, node: yaml.ScalarNode, value: str) -> str:
    """Put a value where a scalar stands, in its quotes if it has some."""
    quote = node.style if node.style in ("'", '"') else ""
    return text[: node.start_mark.index] + quote + value + quote + text[node.end_mark.index :]


def _added(text: str, services: yaml.SequenceNode, reference: Reference) -> str:
    """Add a service after the last one, in the style of the list."""
    if services.flow_style:
        end = services.value[-1].end_mark.index
        return f"{text[:end]}, {{service: {reference}}}{text[end:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    end = _line_end(text, _last_index(services))
    line = f"{newline}{' ' * services.start_mark.column}- service: {reference}"
    return text[:end] + line + (text[end:] or newline)


def _last_index(node: yaml.Node) -> int:
    """Return where the last thing written in a node ends (a block's own mark lies behind comments that follow)."""
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        children = [child for pair in node.value for child in pair]
    elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
        children = node.value
    return max((_last_index(child) for child in children), default=node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    """Return the end of the line that ``index`` lies in; a block of text ends behind its last line break already."""
    while index and text[index - 1] in "\r\n":
        index -= 1
    ends = [found for found in (text.find(character, index) for character in "\r\n") if found >= 0]
    return min(ends, default=len(text))


def _check(before: str, after: str, reference: Reference) -> None:
    """Make sure that the new text says what the old one said, but for this one service."""
    wanted = parse_yaml(before, "").data
    services = wanted["config"][SERVICES]
    same = [entry for entry in services if Reference.parse(entry["service"]).service == reference.service]
    if same:
        same[0]["service"] = str(reference)
    else:
        services.append({"service": str(reference)})
    if parse_yaml(after, "").data != wanted:
        raise SoopError(f"cannot change the domain definition to {reference} without changing more of it", _BY_HAND)
