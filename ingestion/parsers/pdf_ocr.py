"""OCR for a page of a PDF: whatever is read on it shares one limit of CPU time.

A child that exceeds the page's time is ended, and its text layer would be lost with it.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ingestion.parsers import ParseOptions

OCR_SHARE = 0.6
"""Of a page's time: what the engine is at when it runs out may take a while to end."""


class PageOcr:
    """`cut`: there was no time for all that should have been read."""

    def __init__(self, options: ParseOptions):
        self._options = options
        self._until = time.process_time() + OCR_SHARE * options.page_timeout_s
        self.cut = False

    def has_time(self) -> bool:
        return time.process_time() < self._until

    def read(self, pixels: np.ndarray) -> Any:
        """What stands in a picture, uint8 [h, w, 3]; None where OCR is not installed."""
        try:
            from ingestion import ocr
        except ImportError:
            return None
        left = max(0.0, self._until - time.process_time())
        found = ocr.read(pixels, self._options.ocr_languages, limit_s=left)
        self.cut |= "breaks_off" in found.flags
        return found
