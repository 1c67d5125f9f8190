"""The whole story in a network namespace with nothing but loopback; prints what tried to leave.

Run as `unshare --user --map-root-user --net python tests/offline.py FOLDER`. The kernel counts
every packet that found no route and every question to a name server nobody runs, whoever sent it:
this process, the server, its native libraries, its children. Prints one JSON object.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import struct
import sys
import time
from pathlib import Path

import files
import httpx
from serving import serve

_UP = 0x1
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914


def main(folder: Path) -> dict:
    loopback_up()
    before = attempts()
    with contextlib.suppress(OSError):
        socket.getaddrinfo("example.org", 80)
    with contextlib.suppress(OSError), socket.socket() as s:
        s.connect(("192.0.2.1", 80))
    control = attempts() - before
    before = attempts()
    told = story(folder)
    return {"control": control, "attempts": attempts() - before, **told}


def loopback_up() -> None:
    """A new namespace starts with its loopback down; needs no `ip` command."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(s, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def attempts() -> int:
    """Packets without a route, and datagrams to ports where nobody listens, since the start."""
    counted = 0
    lines = Path("/proc/net/snmp").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        row = dict(zip(names.split()[1:], map(int, values.split()[1:]), strict=True))
        counted += row.get("OutNoRoutes", 0) + row.get("NoPorts", 0)
    for line in Path("/proc/net/snmp6").read_text().splitlines():
        name, value = line.split()
        if name in ("Ip6OutNoRoutes", "Udp6NoPorts"):
            counted += int(value)
    return counted


def story(folder: Path) -> dict:
    """Samples are read, a question is answered, files come, the index is built anew."""
    made = [
        files.text_pdf(folder / "harbour.pdf", ["The harbour master is Maria Lind."]),
        files.scanned_pdf(folder / "scan.pdf", ["The old mill stands by the river."]),
        files.docx(folder / "mast.docx"),
        files.pptx(folder / "mast.pptx"),
        files.xlsx(folder / "mast.xlsx"),
        files.html(folder / "mast.html"),
        files.markdown(folder / "mast.md"),
        files.eml(folder / "mast.eml"),
    ]
    with (
        serve(folder / "store", {"FOOTNOTE_SAMPLES": "true"}) as address,
        httpx.Client(base_url=address, timeout=120, trust_env=False) as client,
    ):
        assert client.get("/").status_code == 200
        for path in made:
            with path.open("rb") as f:
                client.post("/api/documents", files={"file": (path.name, f)}).raise_for_status()
        while any(
            d["status"] in ("queued", "processing") for d in client.get("/api/documents").json()
        ):
            time.sleep(0.2)
        answer = client.post("/api/ask", json={"question": "Who is the harbour master?"}).json()
        client.post("/api/reindex").raise_for_status()
        while client.get("/api/reindex").json()["state"] == "running":
            time.sleep(0.2)
        documents = client.get("/api/documents").json()
        swapped = client.get("/api/reindex").json()["swapped"]
    return {
        "answer": answer["answer"],
        "swapped": swapped,
        "statuses": {d["file"]: d["status"] for d in documents},
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))  # noqa: T201
