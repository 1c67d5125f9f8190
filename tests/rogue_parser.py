"""A parser that misbehaves on purpose; the file's text says what its pages do, a line a page."""

import contextlib
import ctypes
import mmap
import os
import resource
import signal
import socket
import stat
import sys
import threading
import time
from pathlib import Path

from ingestion.parsers import ParseOptions
from store.errors import Unreadable
from store.models import Block, ParsedDocument, ParsedPage


def open_file(path: Path, options: ParseOptions) -> "RogueFile":
    return RogueFile(path.read_text().splitlines(), options)


class RogueFile:
    def __init__(self, lines: list[str], options: ParseOptions):
        self._lines = lines
        if lines[0].startswith("open ") and not options.only_pages:
            _act(lines[0].removeprefix("open "))
        self.info = ParsedDocument(pages=len(lines))

    def page(self, number: int) -> ParsedPage:
        said = _act(self._lines[number - 1])
        if isinstance(said, ParsedPage):
            return said
        return ParsedPage(number=number, text=said, how="text", quality=1.0)

    def picture(self, number: int, width_px: int) -> bytes:
        return b"<svg>not a PNG</svg>"

    def close(self) -> None:
        pass


def _act(line: str) -> str | ParsedPage:
    verb, _, rest = line.removeprefix("open ").partition(" ")
    try:
        return _ACTS[verb](rest) or f"{verb} was possible"
    except PermissionError:
        return f"{verb} was denied"


def _crash(_: str) -> None:
    ctypes.string_at(0)


def _spin(_: str) -> None:
    while True:
        pass


def _eat(_: str) -> None:
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))


def _map(_: str) -> None:
    mapped = [mmap.mmap(-1, 1 << 30) for _ in range(64)]
    del mapped


def _open(_: str) -> str:
    opened = []
    try:
        while len(opened) < 5000:
            opened.append(os.open("/dev/zero", os.O_RDONLY))
    except OSError as fault:
        return f"{len(opened)} were open: {fault.strerror}"
    finally:
        for file in opened:
            os.close(file)
    return "5000 were open"


def _fill(rest: str) -> None:
    Path("filled").write_bytes(bytes(int(rest) << 20))


def _litter(rest: str) -> None:
    for n in range(10_000):
        Path(f"litter-{n}").write_bytes(bytes(int(rest) << 20))
        time.sleep(0.01)


def _babble(_: str) -> None:
    """Writes what is no message into every pipe there is, the one for answers among them."""
    for descriptor in range(3, 32):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.write(descriptor, b"\xff" * 64)


def _swarm(_: str) -> str:
    over = threading.Event()
    threads: list[threading.Thread] = []
    try:
        while len(threads) < 100_000:
            threads.append(threading.Thread(target=over.wait))
            threads[-1].start()
    except (RuntimeError, MemoryError):
        return f"{len(threads)} threads"
    finally:
        over.set()
    return "threads without end"


def _seconds_left(_: str) -> str:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft, _hard = resource.getrlimit(resource.RLIMIT_CPU)
    return str(soft - used.ru_utime - used.ru_stime)


def _connect(rest: str) -> None:
    host, port = rest.split(":")
    socket.create_connection((host, int(port)), timeout=2).close()


def _fork(_: str) -> None:
    if os.fork() == 0:
        os._exit(0)


def _threads(_: str) -> str:
    said: list[str] = []
    thread = threading.Thread(target=said.append, args=("threads work",))
    thread.start()
    thread.join()
    return said[0]


def _lie(rest: str) -> ParsedPage:
    text = "\x00 not canonical" if rest == "text" else "short"
    block = Block(kind="paragraph", start=0, end=5_000 if rest == "offsets" else 5)
    return ParsedPage(number=99 if rest == "number" else 1, text=text, how="text", blocks=(block,))


def _refuse(rest: str) -> None:
    raise Unreadable(rest)


_ACTS = {
    "say": lambda rest: rest,
    "slow": lambda rest: time.sleep(float(rest)) or str(os.getpid()),
    "pid": lambda _: str(os.getpid()),
    "crash": _crash,
    "hang": lambda _: time.sleep(600),
    "spin": _spin,
    "eat": _eat,
    "map": _map,
    "open_files": _open,
    "fill": _fill,
    "litter": _litter,
    "flood": lambda rest: "x" * (int(rest) << 20),
    "babble": _babble,
    "swarm": _swarm,
    "seconds_left": _seconds_left,
    "connect": _connect,
    "fork": _fork,
    "run": lambda _: os.execv("/bin/true", ["true"]),
    "write": lambda rest: Path(rest).write_text("mine") and None,
    "read": lambda rest: Path(rest).read_text(),
    "list": lambda rest: " ".join(sorted(p.name for p in Path(rest).iterdir())),
    "kill": lambda rest: os.kill(int(rest), signal.SIGTERM),
    "scratch": lambda _: Path("left-behind").write_text("x") and None,
    "threads": _threads,
    "lie": _lie,
    "refuse": _refuse,
    "trip": lambda _: {}["no such key"],
    "print": lambda _: sys.stdout.write("noise on standard output" * 1000) and None,
    "environment": lambda _: " ".join(sorted(os.environ)),
}
