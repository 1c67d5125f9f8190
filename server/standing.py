"""A second server on a data folder ends at once, before it has imported what takes seconds."""

from __future__ import annotations

import sys
from pathlib import Path

from store.errors import FootnoteError
from store.owner import claim

_SERVERS = ("streamlit", "uvicorn")


def claim_for_server(module: str, folder: Path) -> None:
    """Take the folder where app.py is being served; end the process where another has it.

    `module` is app.py's `__name__`. Whoever merely imports it, as tests do, takes nothing.
    """
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    if module != "__main__" and name not in _SERVERS:
        return
    try:
        claim(folder)
    except FootnoteError as refusal:
        sys.exit(str(refusal))
