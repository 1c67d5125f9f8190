"""File names are hostile: this makes one that is safe to store, show and compare."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 180
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_name(name: str) -> tuple[str, list[str]]:
    """The base name without folders, control or direction characters; what was changed, said."""
    warnings = []
    base = re.split(r"[/\\]", name)[-1] if re.search(r"[/\\]", name) else name
    if base != name:
        warnings.append("Folders in the file's name were left out.")
    text = unicodedata.normalize("NFC", base)
    shown = "".join(" " if unicodedata.category(c) in _INVISIBLE else c for c in text)
    shown = re.sub(r"\s+", " ", shown).strip().lstrip(".") or "unnamed"
    if len(shown) > MAX_NAME:
        stem, dot, suffix = shown.rpartition(".")
        keep = f"{dot}{suffix}" if dot and len(suffix) <= 10 else ""
        shown = (stem if keep else shown)[: MAX_NAME - len(keep)].rstrip() + keep
        warnings.append(f"The file's name was shortened to {MAX_NAME} characters.")
    return shown, warnings
