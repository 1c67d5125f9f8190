"""Keeps libraries from reporting home; imported before any of them.

Found by the offline test: OpenVINO sends an event to an analytics server whenever it is imported.
"""

from __future__ import annotations

import os
import sys

SWITCHES = {
    "DO_NOT_TRACK": "1",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    "SCARF_NO_ANALYTICS": "true",
    "ANONYMIZED_TELEMETRY": "False",
    "HF_HUB_OFFLINE": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}


def keep_quiet() -> None:
    """Idempotent; a value the administrator has set stays."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    # It has no switch of its own; without the package OpenVINO falls back to a stub.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
