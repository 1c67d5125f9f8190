"""What a process that reads files may use."""

from __future__ import annotations

from store.models import Frozen


class Limits(Frozen):
    """Of one child, each."""

    memory_mb: int = 1500
    """What it may allocate; a page that needs more fails."""

    page_timeout_s: float = 60.0
    """Seconds for a page, or for opening a file; on a starved machine up to four times as many,
    as long as it computes. The kernel ends it a little after that much processor time."""

    stuck_s: float = 600.0
    """How long a file may go without a page that came back; the rest is then given up."""

    recycle_pages: int = 500
    """Its life in pages."""

    idle_s: float = 30.0
    """How long it waits for work."""

    open_files: int = 256
    """Files and pipes open at once."""

    file_mb: int = 256
    """The largest file it may write, in its scratch folder: nothing else can be written."""

    scratch_mb: int = 512
    """All that lies in its scratch folder, looked at about every second."""

    answer_mb: int = 96
    """The largest answer: a page with its boxes, or a picture."""
