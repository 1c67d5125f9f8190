"""The documents say what the code does: every setting, every package, every link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from store.settings import ROOT, Settings

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md"]

_ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
_LINE = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#]+)[^)]*\)")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", re.MULTILINE)


def _variable(name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return f"FOOTNOTE_{name.upper()}"


def _default(field: FieldInfo) -> str | None:
    """As a person would write it; None where a setting has no default."""
    value = field.default
    if isinstance(value, Path):
        return str(value.relative_to(ROOT))
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)


DEFAULTS = {_variable(n, f): _default(f) for n, f in Settings.model_fields.items()}


def test_the_readme_documents_every_setting_with_its_default():
    table = {name: default for name, default, _ in _ROW.findall(README)}
    assert table == {name: f"`{d}`" if d else "–" for name, d in DEFAULTS.items()}


def test_the_example_file_names_every_setting_with_its_default():
    lines = _LINE.findall(EXAMPLE)
    assert [name for name, _ in lines] == list(DEFAULTS)
    assert {n: v for n, v in lines if DEFAULTS[n]} == {n: d for n, d in DEFAULTS.items() if d}


def test_the_example_file_can_be_used_as_it_is(tmp_path: Path):
    used = tmp_path / ".env"
    used.write_text(_LINE.sub(r"\1=\2", EXAMPLE), encoding="utf-8")
    assert Settings(_env_file=used).max_pixels == Settings.model_fields["max_pixels"].default


def test_the_readme_is_short_and_names_both_commands():
    assert len(README.splitlines()) < 150
    assert "\nmake run " in README
    assert "\nmake test " in README


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_to_files_lead_somewhere(name: str):
    document = ROOT / name
    links = _LINK.findall(document.read_text(encoding="utf-8"))
    files = [link for link in links if "://" not in link]
    assert [f for f in files if not (document.parent / f).exists()] == []


@pytest.mark.parametrize("lock", ["requirements.txt", "models.lock"])
def test_the_notice_names_every_package_required_by_hand(lock: str):
    required = _PINNED.findall((ROOT / lock).read_text(encoding="utf-8"))
    named = set(re.findall(r"[\w-]+", NOTICE))
    assert required
    assert set(required) - named == set()
