"""What is changed in the description of a virtual machine before libvirt gets it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

STYLESHEET = """\
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output omit-xml-declaration="yes" indent="yes"/>
  <xsl:template match="node()|@*">
    <xsl:copy><xsl:apply-templates select="node()|@*"/></xsl:copy>
  </xsl:template>
  <xsl:template match="disk/@type[. = 'volume']"><xsl:attribute name="type">file</xsl:attribute></xsl:template>
{sources}</xsl:stylesheet>
"""
_SOURCE = """  <xsl:template match="disk/source[@volume = '{name}']"><source file={path}/>{serial}</xsl:template>
"""


class Source(NamedTuple):
    """A volume that a machine has as a disk."""

    name: str
    path: str
    serial: str = ""
    """By which the machine finds it, ``/dev/disk/by-id/virtio-<serial>``."""


def stylesheet(sources: Iterable[Source]) -> str:
    """Return XSLT that names disks by their files: AppArmor lets a machine open these, and none that volumes name."""
    found = "".join(
        _SOURCE.format(
            name=each.name,
            path=quoteattr(each.path),
            serial=f"<serial>{each.serial}</serial>" if each.serial else "",
        )
        for each in sources
    )
    return STYLESHEET.format(sources=found)
