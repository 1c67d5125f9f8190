"""Backups and the audit trail over a running server: command line, API, and who may write where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
from serving import serve
from test_machine_interface import ROOT


def run(data: Path, *args: str) -> tuple[int, list[dict]]:
    done = subprocess.run(
        [sys.executable, "-m", "ingestion", *args, "--json"],
        cwd=ROOT,
        env={**os.environ, "FOOTNOTE_DATA": str(data), "FOOTNOTE_SAMPLES": "false"},
        stdout=subprocess.PIPE,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_the_verbs_work_while_a_server_owns_the_folder(tmp_path: Path):
    data, place = tmp_path / "store", tmp_path / "a.zip"
    report = tmp_path / "report.txt"
    report.write_text("The tide at Saltmarsh rises four metres.", encoding="utf-8")
    with (
        serve(data) as address,
        httpx.Client(base_url=f"{address}/api", trust_env=False, timeout=60) as api,
    ):
        _, (added,) = run(data, "add", str(report), "--wait")
        status, (made,) = run(data, "backup", str(place))
        assert (status, made["documents"], made["path"]) == (0, 1, str(place))
        status, (refused,) = run(data, "backup", str(place))
        assert status == 1
        assert "already there" in refused["error"]
        status, entries = run(data, "audit")
        assert status == 0
        assert [e["action"] for e in entries] == ["add", "backup"]
        assert run(data, "audit", added["document_id"])[1] == entries[:1]
        assert api.get("/audit", params={"after": 1}).json() == entries[1:]
        state = api.get("/audit/state").json()
        assert (state["entries"], state["head"]) == (2, entries[-1]["hash"])
        # Whoever can reach the port must not make the server write where they like.
        elsewhere = str(tmp_path / "b.zip")
        answer = api.post("/backup", params={"target": elsewhere})
        assert answer.status_code == 403
        assert not Path(elsewhere).exists()
        assert api.post("/backup").status_code == 422  # no folder is set
        checks = {c["name"]: c for c in api.get("/health").json()["checks"]}
        assert checks["backup"]["ok"]
        run(data, "remove", "report.txt")
    status, (restored,) = run(tmp_path / "new", "restore", str(place))
    assert status == 0
    assert restored["deletions_applied"] == [added["document_id"]]
    assert restored["verified"]["ok"]
    assert run(tmp_path / "new", "list") == (0, [])
