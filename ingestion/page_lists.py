"""Numbers of pages as a person would list them."""

from __future__ import annotations

from collections.abc import Iterable


def ranges(numbers: Iterable[int]) -> str:
    """3, 7–9"""
    parts: list[list[int]] = []
    for n in sorted(numbers):
        if parts and n == parts[-1][1] + 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in parts)


def page_list(numbers: Iterable[int]) -> str:
    """page 3; pages 3, 7–9"""
    found = sorted(numbers)
    return f"{'page' if len(found) == 1 else 'pages'} {ranges(found)}"
