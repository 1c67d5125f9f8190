"""Reading the text of a picture of a page: `read` is the only door.

It runs inside the limited child: nothing here downloads anything or uses a second thread, and only
tesseract's language data spread over several folders is written down (links in the current folder).
"""

from ingestion.ocr.page import TOO_MUCH, OcrPage
from ingestion.ocr.reading import read

__all__ = ["TOO_MUCH", "OcrPage", "read"]
