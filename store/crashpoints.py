"""Named places at which a test ends this process as `kill -9` would; nothing happens otherwise.

FOOTNOTE_CRASH_AT=NAME[:N] ends it when NAME is reached for the N-th time (the first by default).
"""

from __future__ import annotations

import os
import signal
from collections import Counter

ADDING = (
    "file-stored", "row-written", "pages-stored", "chunks-stored", "vectors-written",
    "words-written", "indexed", "before-ready", "ready",
)  # fmt: skip
REINDEXING = ("chunks-stored", "vectors-written", "words-written", "before-swap", "swapped")
REMOVING = (
    "begun", "counted", "out of the indexes", "purged", "out of conversations", "forgotten",
    "checkpointed", "certified",
)  # fmt: skip
"""Where results become durable, one after the other: between two of them."""

_times: Counter[str] = Counter()


def reached(name: str) -> None:
    """Ends the process here where the environment says so; no handler and no `finally` runs."""
    wanted = os.environ.get("FOOTNOTE_CRASH_AT")
    if wanted is None:
        return
    point, _, nth = wanted.partition(":")
    if point == name:
        _times[name] += 1
        if _times[name] == int(nth or 1):
            os.kill(os.getpid(), signal.SIGKILL)
