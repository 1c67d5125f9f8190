"""Prompts are prose in Markdown files with an id and a version in their front matter."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from store.models import Frozen


class Prompt(Frozen):
    """`text` holds {placeholders} for `str.format`."""

    id: str
    version: int
    text: str

    @property
    def label(self) -> str:
        return f"{self.id} {self.version}"


@cache
def read_prompt(path: Path) -> Prompt:
    """The prompt in a file."""
    front, text = path.read_text("utf-8").removeprefix("---\n").split("---\n", 1)
    fields = dict(line.split(": ", 1) for line in front.strip().splitlines())
    return Prompt(id=fields["id"], version=int(fields["version"]), text=text.strip())
