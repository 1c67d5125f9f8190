"""Two servers on one data folder: one of them ends at once and names the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving import free_port

ROOT = Path(__file__).resolve().parent.parent
_SOON_S = 2.0


def race(folder: Path) -> tuple[float, float, str]:
    """Start two at once; seconds of clock and processor until one ended, and what is wrong."""
    folder.mkdir()
    environment = {**os.environ, "FOOTNOTE_DATA": str(folder / "store"), "FOOTNOTE_SAMPLES": "no"}
    began = time.monotonic()
    logs = [folder / "first.log", folder / "second.log"]
    both = []
    for log in logs:
        with log.open("wb") as out:
            both.append(
                subprocess.Popen(
                    [sys.executable, "app.py"],
                    cwd=ROOT,
                    env={**environment, "FOOTNOTE_PORT": str(free_port())},
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
            )
    pid, status, used = _first_to_end(both)
    seconds = time.monotonic() - began
    loser = next(i for i, p in enumerate(both) if p.pid == pid)
    winner = both[1 - loser]
    said = logs[loser].read_text()
    fault = ""
    if winner.poll() is not None:
        fault = f"both ended: {said} {logs[1 - loser].read_text()}"
    elif status == 0 or f"is in use (process {winner.pid}" not in said:
        fault = f"the second ended with {status} and said: {said!r}"
    elif "Traceback" in said:
        fault = said
    os.killpg(winner.pid, signal.SIGKILL)
    winner.wait()
    return seconds, used, fault


def _first_to_end(both: list[subprocess.Popen[bytes]]) -> tuple[int, int, float]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for process in both:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return pid, process.returncode, usage.ru_utime + usage.ru_stime
        time.sleep(0.005)
    raise TimeoutError("neither ended")


def races(folder: Path, count: int, *, by_the_clock: bool = False) -> None:
    found = [race(folder / str(i)) for i in range(count)]
    longest, most = max(f[0] for f in found), max(f[1] for f in found)
    sys.stderr.write(
        f"{count} races: the second ended after at most {longest:.1f} s, {most:.1f} s of the "
        f"processor\n"
    )
    assert [f[2] for f in found if f[2]] == []
    # The clock's seconds depend on what else runs: they count where nothing else does.
    assert (longest if by_the_clock else most) < _SOON_S


def test_of_two_servers_one_ends_at_once_naming_the_other(tmp_path: Path):
    races(tmp_path, 3)


@pytest.mark.torture
def test_twenty_races_of_two_servers(tmp_path: Path):
    races(tmp_path, 20, by_the_clock=True)
