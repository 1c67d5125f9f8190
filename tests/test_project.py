"""The set-up's own promises: locks, make's commands, who imports whom."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock", "models.lock")
FIXED = {"llama-index", "chromadb", "pypdf", "unstructured", "streamlit", "openai", "pydantic"}
PACKAGES = ("store", "ingestion", "retrieval", "server", "pages")


def requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    bare = (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines)
    return [line for line in bare if line and not line.startswith("-")]


def package(requirement: str) -> str:
    return re.split(r"[\[=; ]", requirement)[0]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_exactly(name: str):
    loose = [r for r in requirements(name) if not re.match(r"[\w\[\],.-]+==[\w.]+($|;| )", r)]
    assert not loose


def test_the_seven_fixed_packages_stand_on_top():
    first = [package(r) for r in requirements("requirements.txt")[: len(FIXED) + 1]]
    assert set(first) >= FIXED


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash_and_no_address(name: str):
    found = requirements(name)
    assert found
    assert [r for r in found if "--hash=sha256:" not in r] == []
    assert [r for r in found if "://" in r or " @ " in r] == []
    assert "index-url" not in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_holds_what_is_asked_for(name: str):
    locked = {r.split()[0].rstrip(";") for r in requirements(f"{name}.lock")}
    asked = {re.sub(r"\[.*?\]", "", r).split(";")[0].strip() for r in requirements(f"{name}.txt")}
    assert asked <= locked, "run make lock"


def test_development_runs_the_same_versions_as_the_product():
    assert {r.split(" --hash")[0] for r in requirements("requirements.lock")} <= {
        r.split(" --hash")[0] for r in requirements("requirements-dev.lock")
    }


def test_there_is_no_torch():
    names = {package(r) for r in requirements("requirements-dev.lock")}
    assert not {n for n in names if n.startswith(("torch", "nvidia", "triton"))}


def test_make_alone_lists_every_command():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^make (\w+)  +\w", done.stdout, re.MULTILINE))
    assert listed == {
        "help", "setup", "run", "test", "check", "browser", "bench", "torture", "lock", "clean",
    }  # fmt: skip


def test_make_clean_keeps_the_documents():
    done = subprocess.run(
        ["make", "--dry-run", "clean"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for command in done.stdout.splitlines():
        assert "data" not in command.replace("-path ./data -prune", "")


def test_nothing_below_imports_the_application():
    for file in (file for name in PACKAGES for file in (ROOT / name).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {n.split(".")[0] for n in names} & {"app", "tools", "tests"}, file
