"""What models are told that look at pages."""

from __future__ import annotations

from pathlib import Path

from store.prompts import Prompt, read_prompt

_FOLDER = Path(__file__).parent


def prompt(name: str) -> Prompt:
    """The prompt in prompts/<name>.md."""
    return read_prompt(_FOLDER / f"{name}.md")
