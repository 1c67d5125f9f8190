"""A run's results: one JSON file with the figures, every question, and what made the answers."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from evals.asking import Asked
from evals.figures import Figure, Scores, total
from evals.sets import Question
from store.errors import BadInput
from store.models import Frozen
from store.prompts import read_prompt
from store.settings import ROOT, Settings

PROMPTS = ("retrieval/prompts", "ingestion/prompts")
_OF_THIS_MACHINE = {"data", "model_dir"}


class Outcome(Frozen):
    """One question: what was expected of it, what came, and how that scores."""

    question: Question
    asked: Asked
    scores: Scores


class Run(Frozen):
    """All that is kept of a run. `began_at` is UTC in ISO 8601, `read_s` what reading took.

    `settings` are those of the run without secrets, folders and names in addresses; `prompts` are
    ids with versions; `fingerprints` name parsers, chunker, word rules and embedder.
    """

    schema_version: int = 1
    set: str
    began_at: str
    code: str
    models: tuple[str, ...]
    prompts: dict[str, int]
    fingerprints: dict[str, str]
    settings: dict
    documents: int
    unread: tuple[str, ...] = ()
    read_s: float = 0.0
    figures: dict[str, Figure]
    outcomes: tuple[Outcome, ...]

    def only(self, ids: set[str]) -> Run:
        """The same run over these questions alone, its figures too."""
        kept = tuple(o for o in self.outcomes if o.question.id in ids)
        return self.model_copy(
            update={"outcomes": kept, "figures": total([o.scores for o in kept])}
        )


def write(run: Run, folder: Path) -> Path:
    """Write a run's file and return its path; only its owner may read what documents say."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = run.began_at.translate({ord(c): None for c in "-:"})
    path = folder / f"{run.set}-{stamp}.json"
    beside = folder / f".{path.name}"
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(run.model_dump_json(indent=1))
    beside.rename(path)
    return path


def read(path: Path) -> Run:
    """Raises BadInput where there is no run in this file."""
    try:
        return Run.model_validate_json(path.read_text("utf-8"))
    except OSError as e:
        raise BadInput(f"There is no run in {path}: {e.strerror or e}.") from e
    except ValidationError as e:
        raise BadInput(f"{path} is not a run that this Footnote wrote.") from e


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def shown_settings(settings: Settings) -> dict:
    """Settings as they may lie in a file: no key, of an address its host alone, no folder."""
    fields = type(settings).model_fields
    secret = {name for name, field in fields.items() if "SecretStr" in str(field.annotation)}
    shown = settings.model_dump(mode="json", exclude=secret | _OF_THIS_MACHINE)
    for name, value in shown.items():
        if isinstance(value, str) and "://" in value:
            shown[name] = urlsplit(value).hostname
    return shown


def prompt_versions(root: Path = ROOT) -> dict[str, int]:
    """The version of every prompt by its id."""
    files = [f for folder in PROMPTS for f in sorted((root / folder).glob("*.md"))]
    return {prompt.id: prompt.version for prompt in map(read_prompt, files)}


def code_version(root: Path = ROOT) -> str:
    """What `git describe` says of the code, else the installed package's version."""
    git = shutil.which("git")
    if git and (root / ".git").exists():
        told = subprocess.run(
            [git, "-C", str(root), "describe", "--tags", "--always", "--dirty"],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode == 0:
            return told.stdout.strip()
    try:
        return importlib.metadata.version("footnote")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
