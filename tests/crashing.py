"""One data folder carried through many `kill -9`; a ledger beside it says what was acknowledged."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CHILD = Path(__file__).with_name("crash_child.py")
REPEATED = 0.6
"""Share of the files handed in that are there already, with the same bytes."""
NAMES = 24
FINISH_S = 400.0
_POINT_S = 20.0
"""How long a named point is waited for; if it is not reached, the kill comes then."""


class Told(NamedTuple):
    """What the ledger allows of a name: contents by version number, None for no document."""

    allowed: set[int | None]


class Counts:
    """What happened, over all processes."""

    def __init__(self) -> None:
        self.kills = self.named = self.operations = self.repeated = self.searched = 0
        self.repairing = 0
        self.opened_s: list[float] = []
        self.at: dict[str, int] = {}
        self.broken: list[str] = []

    def __str__(self) -> str:
        at = ", ".join(f"{n} × {name}" for name, n in sorted(self.at.items()))
        longest = max(self.opened_s, default=0.0)
        share = self.repeated / self.operations if self.operations else 0.0
        return (
            f"{self.kills} kills ({self.named} at named points: {at or 'none'}); {self.operations} "
            f"acknowledged operations, {share:.0%} of them repeated; serving after at most "
            f"{longest:.1f} s, {self.repairing} times while repairing; "
            f"{self.searched} chunks searched; {len(self.broken)} invariants broken"
        )


def text_of(name: str, number: int) -> bytes:
    """A version of a document; its marker is in no other."""
    marker = marker_of(name, number)
    lines = [
        f"# Station {name}",
        f"The {marker} stands at {name} and is {number + 3} metres high.",
        *(f"Reading {i} of {name}, series {number}: {i * 7 + number} units." for i in range(8)),
    ]
    return "\n\n".join(lines).encode()


def marker_of(name: str, number: int) -> str:
    return f"quokka{name.split('.')[0]}x{number}"


class Ledger:
    """Lines of JSON, each written before an operation begins or after it was acknowledged."""

    def __init__(self, path: Path):
        self.path = path
        path.touch()

    def write(self, **line: object) -> None:
        with self.path.open("a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")

    def lines(self) -> Iterator[dict[str, Any]]:
        for line in self.path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)

    def told(self) -> dict[str, Told]:
        """What may be found of each name; an operation that was cut may or may not have been."""
        state: dict[str, set[int | None]] = {}
        for line in self.lines():
            if "name" not in line:
                continue
            before = state.get(line["name"], {None})
            if line["state"] == "begun":
                state[line["name"]] = before | {line["number"]}
            else:
                state[line["name"]] = {line["number"]}
        return {name: Told(allowed) for name, allowed in state.items()}


def survive(
    data: Path,
    ledger_path: Path,
    plan: list[str],
    seed: int,
    *,
    longest_s: float,
    serving_s: float,
) -> Counts:
    """Kill a process for each entry of `plan` (the work it does), then look at what is left.

    It works for at most `longest_s` seconds. A restart serves within `serving_s` seconds, or says
    that it repairs.
    """
    from store.crashpoints import ADDING, REINDEXING, REMOVING

    points = {"adding": ADDING, "reindexing": REINDEXING, "removing": REMOVING}
    chance, counts, ledger = random.Random(seed), Counts(), Ledger(ledger_path)
    for i, work in enumerate(plan):
        point = chance.choice(points[work]) if chance.random() < 0.6 else None
        at = f"{point}:{chance.randint(1, 4)}" if point else None
        process = Process(data, ledger_path, seed * 1000 + i, work, at)
        process.begins(counts, serving_s)
        if process.wait(_POINT_S if at else chance.uniform(0.2, longest_s)):
            if at is None:
                counts.broken.append(f"{work}: it ended by itself: {process.said()}")
        else:
            process.kill()
        ended = process.ended()
        counts.kills += ended == -signal.SIGKILL
        if at and process.at_point:
            counts.named += 1
            name = str(point)
            counts.at[name] = counts.at.get(name, 0) + 1
        if ended != -signal.SIGKILL:
            counts.broken.append(f"{work}: ended with {ended}: {process.said()}")
    last = Process(data, ledger_path, seed * 1000 + len(plan), "finishing", None)
    last.begins(counts, serving_s)
    counts.broken += last.finishes()
    lines = [line for line in ledger.lines() if line.get("state") == "done"]
    counts.operations = len(lines)
    counts.repeated = sum(bool(line.get("again")) for line in lines)
    return counts


class Process:
    """A child of this module; reads what it says of its start."""

    def __init__(self, data: Path, ledger: Path, seed: int, work: str, at: str | None):
        env = {**os.environ, "FOOTNOTE_SAMPLES": "false", "PYTHONPATH": str(ROOT)}
        env.pop("FOOTNOTE_CRASH_AT", None)
        if at:
            env["FOOTNOTE_CRASH_AT"] = at
        self.work, self.at_point = work, False
        self.began = time.monotonic()
        self.log = ledger.with_suffix(".log")
        self._log = self.log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, str(CHILD), str(data), str(ledger), str(seed), work],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def begins(self, counts: Counts, serving_s: float) -> None:
        """Until it works: how long it took to serve, and what was broken."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "serving" in said:
                took = time.monotonic() - self.began
                counts.opened_s.append(took)
                counts.repairing += said["repairing"]
                if took > serving_s and not said["repairing"]:
                    counts.broken.append(f"{self.work}: serving after {took:.1f} s only")
            elif "broken" in said:
                counts.broken += [f"{self.work}: {b}" for b in said["broken"]]
                counts.searched += said["searched"]
                return

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended by itself, or at a named point, in time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self.at_point = self._process.returncode == -signal.SIGKILL
        return True

    def finishes(self) -> list[str]:
        """What is broken once everything that was acknowledged is read."""
        assert self._process.stdout is not None
        said = [json.loads(line) for line in self._process.stdout]
        code = self.ended()
        if not said:
            return [f"finishing: ended with {code}: {self.said()}"]
        return [f"finishing: {b}" for b in said[-1]["finished"]]

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()

    def ended(self) -> int:
        code = self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()
        return code

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-600:]
