"""The errors Footnote raises on purpose; each text is a sentence for a person."""


class FootnoteError(Exception):
    """Base of all errors whose text may be shown to a person."""


class NotFound(FootnoteError):
    """No such document, page or conversation, or the principal may not see it."""


class NotAllowed(FootnoteError):
    """The principal may see the thing but not do this to it."""


class BadInput(FootnoteError):
    """A permanent fault of what was given; the sentence says what to do about it."""


class NameTaken(BadInput):
    """Another document of the space has this name and other content; the person must choose."""


class Unreadable(BadInput):
    """A file, or a page of it, that cannot be read; a retry reads it no better."""


class Transient(FootnoteError):
    """Something that may work in a moment; the worker tries again."""


class NotYet(Transient):
    """Something else must end first; the worker waits for it however long it takes."""


class DiskFull(NotYet):
    """Nothing can be written now: the disk is full, or the folder read-only. Reads go on."""


class LeaseLost(Transient):
    """Another owner, or a cancellation, has taken this job; its results are not written."""


class Cancelled(FootnoteError):
    """The person asked to stop."""


class FolderInUse(FootnoteError):
    """Another process owns the data folder."""

    def __init__(self, message: str, *, pid: int | None = None, address: str | None = None):
        super().__init__(message)
        self.pid, self.address = pid, address


class IndexDamaged(FootnoteError):
    """Chroma or the lexical index of a generation cannot be opened or answers wrongly."""


class PageChanged(FootnoteError):
    """A stored page is not what was stored: the disk or somebody has changed it."""


class ModelUnavailable(FootnoteError):
    """No language model answered within the deadline; says what each one said."""
