"""Help texts that fit the terminal: paragraphs are filled to its width, indented lines stay as they are."""

from __future__ import annotations

import argparse
import shutil
import textwrap

_WIDEST = 110
"""Characters of a line; longer ones are hard to read, however wide the terminal is."""


class Paragraphs(argparse.HelpFormatter):
    """Fills each paragraph of a description by itself, and never cuts a name or an option in two."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(shutil.get_terminal_size().columns - 2, _WIDEST))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip("\n").split("\n\n")
        return "\n\n".join(each if each.startswith(" ") else _filled(each, width) for each in paragraphs)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _filled(text, width).splitlines()


def _filled(text: str, width: int) -> str:
    return textwrap.fill(" ".join(text.split()), width, break_on_hyphens=False, break_long_words=False)
