"""The program that reads untrusted files: one request, one answer, until its input ends.

Started by `ingestion.sandbox`; gives up its rights before the first file arrives. Answers go to
what was standard output; anything a library prints goes to the log of this child instead.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from ingestion import frames
from ingestion.confine import Bounds, confine
from ingestion.parsers import OpenedFile, ParseOptions
from store.errors import Unreadable
from store.models import ParsedPage

_MEMORY = "it needs more memory than reading a file may take"


def main() -> None:
    """Runs until the app closes our input, or until memory has run out once."""
    start = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb")
    requests = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.path = [p for p in sys.path if p]
    active = confine(Bounds.model_validate(start["bounds"]), start["parent"])
    max_bytes = start["answer_bytes"]
    hello = {"protection": [p.model_dump() for p in active]}
    _send(answers, max_bytes, hello)
    desk = _Desk()
    while True:
        try:
            request, _ = frames.decode(lambda size: _exactly(requests, size))
        except EOFError:
            return
        message, blob, tired = desk.answer(request)
        _send(answers, max_bytes, message, blob)
        if tired:
            return


class _Desk:
    """Holds the one open file."""

    def __init__(self) -> None:
        self._file: OpenedFile | None = None

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes, bool]:
        """The answer, its binary part, and whether this process should end after it."""
        _allow_cpu(float(request["cpu_s"]))
        try:
            return *self._do(request), False
        except Unreadable as error:
            return {"unreadable": str(error)}, b"", False
        except MemoryError:
            traceback.print_exc()
            return {"fault": _MEMORY, "ends": True}, b"", True
        # The border to the parsers' libraries, which raise of all kinds on damaged files; the
        # trace goes to this child's log and the person gets a sentence.
        except Exception:  # noqa: BLE001
            traceback.print_exc()
            return {"fault": "it is damaged"}, b"", False

    def _do(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        if request["do"] == "open":
            self._close()
            module = importlib.import_module(request["module"])
            options = ParseOptions.model_validate(request["options"])
            self._file = module.open_file(Path(request["path"]), options)
            assert self._file is not None
            return {"info": self._file.info.model_dump(mode="json")}, b""
        if request["do"] == "close":
            self._close()
            return {"closed": True}, b""
        if self._file is None:
            raise Unreadable("No file is open.")
        if request["do"] == "picture":
            png = self._file.picture(request["number"], request["width_px"])
            if "region" in request:
                from ingestion.parsers.cropping import cropped

                png = cropped(png, request["region"])
            return {"picture": True}, png
        page = self._file.page(request["number"])
        return _page_message(page), page.boxes or b""

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _page_message(page: ParsedPage) -> dict[str, Any]:
    dumped = page.model_dump(exclude={"boxes"}, exclude_defaults=True)
    return {"page": dumped, "pictured": page.boxes is not None}


def _allow_cpu(seconds: float) -> None:
    """Processor time until the kernel ends us, counted from now; the app watches the clock too."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _send(answers: BinaryIO, max_bytes: int, message: dict[str, Any], blob: bytes = b"") -> None:
    try:
        data = frames.encode(message, blob, max_bytes)
    except (frames.BadFrame, ValueError):
        data = frames.encode({"fault": "it holds more than a page can"})
    answers.write(data)
    answers.flush()


def _exactly(requests: BinaryIO, size: int) -> bytes:
    data = requests.read(size)
    if len(data) < size:
        raise EOFError
    return data


if __name__ == "__main__":
    main()
