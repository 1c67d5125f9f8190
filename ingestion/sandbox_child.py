"""The app's end of one parser process: starts it, asks it, watches its clock, ends it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ingestion import frames
from ingestion.confine import Bounds, Protection
from ingestion.parsers import Family
from ingestion.sandbox_limits import Limits
from store.errors import Transient, Unreadable
from store.settings import ROOT

log = logging.getLogger(__name__)

_START_S = 60.0
_PATIENCE = 4
_STILL_S = 2.0
_LOOK_S = 1.0
_PIPE_BYTES = 1 << 20
_MB = 1 << 20
_SYSTEM_READS = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts",
    "/etc/mime.types", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/proc/self",
    "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/sys/fs/cgroup",
)  # fmt: skip
_KEPT_VARIABLES = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "TESSDATA_PREFIX")


class ChildFault(Exception):
    """The process ended, hung or talked nonsense. `killed`: by a signal from outside."""

    def __init__(self, reason: str, *, killed: bool = False):
        super().__init__(reason)
        self.killed = killed


class Child:
    """One limited process of a family. Not for two threads at once."""

    def __init__(
        self, family: Family, limits: Limits, scratch: Path, packages: Iterable[str]
    ) -> None:
        self.family = family
        self._limits = limits
        self._ending = False
        self._looked = time.monotonic()
        self.space_id: str | None = None
        self.pages = 0
        self.waiting = 0
        self.idle_since = 0.0
        self._folder = Path(tempfile.mkdtemp(prefix="child-", dir=scratch)).resolve()
        self._in, self._tmp = self._folder / "in", self._folder / "tmp"
        self._in.mkdir()
        self._tmp.mkdir()
        bounds = Bounds(
            memory_mb=limits.memory_mb,
            file_mb=limits.file_mb,
            open_files=limits.open_files,
            reads=(*_reads(packages), str(self._in)),
            writes=(str(self._tmp), "/dev/null"),
        )
        start = {
            "bounds": bounds.model_dump(mode="json"),
            "parent": os.getpid(),
            "answer_bytes": limits.answer_mb * _MB,
        }
        with (self._folder / "log").open("wb") as errors:
            self._process = subprocess.Popen(
                # -P: the working folder, which the child may write, is no place for modules.
                [sys.executable, "-P", "-B", "-m", "ingestion.parsers.child", json.dumps(start)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self._tmp,
                env=self._environment(),
                close_fds=True,
                start_new_session=True,
                bufsize=0,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._widen()
        try:
            hello, _ = self._receive(_START_S)
            self.protection = tuple(Protection.model_validate(p) for p in hello["protection"])
        except (ChildFault, KeyError, ValueError) as error:
            log.error("A parser process did not start: %s\n%s", error, self.log_text())
            self.end()
            raise Transient("The process that reads files could not be started.") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def give(self, path: Path, suffix: str) -> Path:
        """Puts the file where the child may read it; returns the path it sees.

        Raises Unreadable when there is no such file: its document was removed meanwhile.
        """
        self.clear()
        inside = self._in / f"file{suffix}"
        try:
            os.link(path, inside)
        except FileNotFoundError:
            raise Unreadable("The stored file is gone; add it again.") from None
        except OSError:
            shutil.copyfile(path, inside)
        return inside

    def clear(self) -> None:
        """Takes away the file and whatever reading it left behind."""
        for folder in (self._in, self._tmp):
            for entry in folder.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)

    def ask(self, request: dict[str, Any], timeout_s: float) -> None:
        """Sends a request without waiting for its answer. Raises ChildFault."""
        cpu_s = timeout_s * _PATIENCE + 10
        try:
            self._requests.write(frames.encode({**request, "cpu_s": cpu_s}))
        except OSError as error:
            raise self._fault() from error
        self.waiting += 1

    def answer(self, timeout_s: float) -> tuple[dict[str, Any], bytes]:
        """The answer to the oldest request. Raises ChildFault; the child is then of no use."""
        message = self._receive(timeout_s)
        self.waiting -= 1
        self._look()
        return message

    def kill(self) -> None:
        """Ends the process under another thread, which is waiting for its answer."""
        self._ending = True
        with contextlib.suppress(OSError):
            self._process.kill()

    def end(self) -> None:
        """Ends the process at once and removes its folder."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def log_text(self) -> str:
        """The end of what the child and its libraries printed."""
        with contextlib.suppress(OSError):
            return (self._folder / "log").read_text(errors="replace")[-4000:]
        return ""

    def _receive(self, timeout_s: float) -> tuple[dict[str, Any], bytes]:
        watch = _Watch(self.pid, timeout_s)
        most = self._limits.answer_mb * _MB
        try:
            return frames.decode(lambda size: self._read(size, watch), most)
        except EOFError as error:
            raise self._fault() from error
        except frames.BadFrame as error:
            raise ChildFault("it made the reader fail") from error

    def _read(self, size: int, watch: _Watch) -> bytes:
        data = bytearray()
        descriptor = self._answers.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while len(data) < size:
            if not poll.poll(watch.pause_s * 1000):
                watch.check()
                self._look()
                continue
            part = os.read(descriptor, min(size - len(data), _PIPE_BYTES))
            if not part:
                raise EOFError
            data += part
            if len(data) < size:
                watch.check()
        return bytes(data)

    def _look(self) -> None:
        """Raises ChildFault when more lies in the scratch folder than may."""
        if time.monotonic() - self._looked < _LOOK_S:
            return
        if _size_mb(self._tmp) > self._limits.scratch_mb:
            raise ChildFault("it needs more room on the disk than reading a file may take")
        self._looked = time.monotonic()

    def _fault(self) -> ChildFault:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return ChildFault("it made the reader fail")
        if not self._ending:
            log.warning("A parser process ended with %s\n%s", code, self.log_text())
        return ChildFault(
            "it is damaged, or needs more memory than reading a file may take",
            killed=code in (-9, -15),
        )

    def _widen(self) -> None:
        """So that a child can finish a page or two while the app stores the last."""
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return {
            "LANG": "C.UTF-8",
            **kept,
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self._tmp),
            "TMPDIR": str(self._tmp),
            "OMP_NUM_THREADS": "1",
            "OMP_THREAD_LIMIT": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",
            "DO_NOT_TRACK": "1",
            "SCARF_NO_ANALYTICS": "true",
            "UNSTRUCTURED_DISABLE_NOTICE": "1",
        }


class _Watch:
    """Time without an answer. A starved machine gets more of it than a stuck parser.

    Past the time-out a child goes on only while it computes, has not computed for the whole
    time-out, and at most `_PATIENCE` times as long.
    """

    def __init__(self, pid: int, timeout_s: float):
        self._pid, self._timeout_s = pid, timeout_s
        self._began = time.monotonic()
        self._cpu_at_start = _cpu_s(pid)
        self._cpu, self._moved = self._cpu_at_start, self._began

    @property
    def pause_s(self) -> float:
        left = self._began + self._timeout_s - time.monotonic()
        return max(0.05, min(left, 1.0))

    def check(self) -> None:
        """Raises ChildFault when the time is over."""
        now, cpu = time.monotonic(), _cpu_s(self._pid)
        if cpu != self._cpu:
            self._cpu, self._moved = cpu, now
        waited = now - self._began
        if waited < self._timeout_s:
            return
        busy = self._cpu - self._cpu_at_start
        stuck = now - self._moved > _STILL_S or busy >= 0.9 * self._timeout_s
        if stuck or waited > _PATIENCE * self._timeout_s:
            raise ChildFault(f"it took longer than {self._timeout_s:g} seconds")


def _cpu_s(pid: int) -> float:
    """Processor seconds used so far; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _size_mb(folder: Path) -> float:
    """What a folder's files take, none less than a block; some may go while we count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += max(4096, (Path(parent) / name).lstat().st_blocks * 512)
    return total / _MB


def _reads(packages: Iterable[str]) -> list[str]:
    """What Python, its libraries and our parsers need; no data folder is among it."""
    code = [str(ROOT / package) for package in packages]
    return [*dict.fromkeys([sys.prefix, sys.base_prefix, sys.exec_prefix, *_SYSTEM_READS, *code])]
