"""The front door: who is let in, what is sent with every answer, the viewer and the API."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import files
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from server import doors, front
from server.doors import Doors
from server.opening import open_doors
from server.viewer import page_html, parse_spans
from store.models import Block, Cell, Document, Page
from store.settings import Settings

OPENED = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
SOCKET = "ws://localhost:8501/_stcore/stream"
LIBRARY_TEXT = "The lighthouse on Skerry Rock was built in 1874.\nIts keeper was Ada Holm."


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(data=folder / "store", samples=False, max_file_mb=2, _env_file=None)
    with open_doors(settings) as held:
        doors.fill(held)
        yield held
        doors.fill(None)


@pytest.fixture(scope="module")
def client(opened: Doors) -> Iterator[TestClient]:
    async def home(request: Request) -> PlainTextResponse:
        await request.body()
        return PlainTextResponse("a screen")

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    async def broken(request: Request) -> PlainTextResponse:
        raise RuntimeError("a secret of the inside")

    methods = ["GET", "POST", "PUT"]
    app = Starlette(
        routes=[
            *front.routes(),
            Route("/broken", broken),
            Route("/", home, methods=methods),
            Route("/_stcore/upload_file/x", home, methods=methods),
            WebSocketRoute("/_stcore/stream", echo),
        ],
        middleware=front.middleware(opened.settings),
        exception_handlers={Exception: front.crash_page},
    )
    with TestClient(app, "http://localhost:8501", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def document_id(client: TestClient, opened: Doors, tmp_path_factory: pytest.TempPathFactory) -> str:
    pdf = files.text_pdf(tmp_path_factory.mktemp("pdf") / "skerry.pdf", [LIBRARY_TEXT, "Empty."])
    with pdf.open("rb") as file:
        answer = client.post("/api/documents", files={"file": ("skerry.pdf", file)})
    assert answer.status_code == 200, answer.text
    assert opened.library.wait(60)
    return answer.json()["document_id"]


# Hosts and origins


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1:8501", "[::1]:80"])
def test_a_known_host_is_answered_on_any_port(client: TestClient, host: str):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "localhost; x"])
def test_an_unknown_host_is_refused_with_a_sentence(client: TestClient, host: str):
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 400
    assert "host name" in answer.text


def test_the_api_refuses_in_json(client: TestClient):
    answer = client.get("/api/health", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "host name" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "cross-site"} | OPENED,
    ],
)
def test_another_website_cannot_change_anything(client: TestClient, headers: dict[str, str]):
    assert client.post("/", headers=headers).status_code == 403
    assert client.post("/api/reindex", headers=headers).status_code == 403


def test_another_website_cannot_embed_but_can_link(client: TestClient):
    site = {"sec-fetch-site": "cross-site"}
    image = site | {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    frame = site | {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    link = site | OPENED
    assert client.get("/", headers=image).status_code == 403
    assert client.get("/", headers=frame).status_code == 403
    assert client.get("/", headers=link).status_code == 200


def test_our_own_pages_and_command_lines_are_let_in(client: TestClient):
    ours = {"origin": "http://localhost:8501", "sec-fetch-site": "same-origin"}
    assert client.post("/", headers=ours).status_code == 200
    assert client.post("/").status_code == 200


def test_a_websocket_of_another_website_is_refused(client: TestClient):
    with client.websocket_connect(SOCKET) as socket:
        assert socket.receive_text() == "hello"
    for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect(SOCKET, headers=headers),
        ):
            pass


# Sizes, faults, policies


@pytest.mark.parametrize("path", ["/api/documents", "/_stcore/upload_file/x"])
def test_a_file_over_the_limit_is_refused(client: TestClient, path: str):
    answer = client.post(path, content=b"x" * 4_000_000)
    assert answer.status_code == 413
    assert "more than 2 MB" in answer.text


@pytest.mark.parametrize("path", ["/api/documents", "/_stcore/upload_file/x"])
def test_a_file_over_the_limit_is_cut_when_its_length_is_not_said(client: TestClient, path: str):
    pieces = (b"x" * 500_000 for _ in range(8))
    form = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post(path, content=pieces, headers=form)
    assert answer.status_code == 413
    assert "more than 2 MB" in answer.text


def test_other_bodies_are_limited_to_a_megabyte(client: TestClient):
    assert client.post("/api/ask", content=b"x" * 1_500_000).status_code == 413


def test_a_fault_shows_no_trace(client: TestClient):
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert answer.text == "Something went wrong; the server's log says what."
    assert "content-security-policy" in answer.headers


def test_every_answer_carries_the_policies(client: TestClient):
    for path in ("/", "/api/documents", "/api/nothing", "/view/viewer.css"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_no_policy_lets_anything_in_from_elsewhere(client: TestClient):
    policy = client.get("/").headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in re.search("script-src[^;]*", policy)[0]
    addresses = re.findall(r"[a-z]+://[^\s;]*", policy)
    assert set(addresses) == {"ws://localhost:8501", "wss://localhost:8501"}
    assert "*" not in policy


# The viewer


def test_the_viewer_marks_the_words_on_the_picture(client: TestClient, document_id: str):
    page = client.get(f"/api/documents/{document_id}").json()["pages"][0]
    start = page["text"].index("built in 1874")
    answer = client.get(f"/view/{page['page_id']}?spans={start}-{start + 13}")
    assert answer.status_code == 200
    assert answer.text.count("<rect x=") == 1
    assert "skerry.pdf" in answer.text
    assert "page 1 of 2" in answer.text
    assert "<title>built in 1874</title>" in answer.text
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'self'")
    assert "frame-ancestors 'self'" in policy


def test_the_viewer_draws_the_page(client: TestClient, document_id: str):
    page = client.get(f"/api/documents/{document_id}").json()["pages"][0]
    answer = client.get(f"/view/{page['page_id']}/picture.png?w=400")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")


def test_an_unknown_page_is_a_sentence(client: TestClient):
    for path in ("/view/999999", "/view/999999/picture.png"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "Traceback" not in answer.text


def flowed(text: str, blocks: tuple[Block, ...] = ()) -> tuple[Document, Page]:
    document = Document(
        id="d", space_id="s", space="main", name="<b>&.txt", status="ready", pages=1
    )
    return document, Page(id=1, parse_id=1, number=1, text=text, how="text", blocks=blocks)


def test_a_flowed_page_is_escaped_text_with_marks():
    text = 'One <script>alert("x")</script> two.'
    html = page_html(*flowed(text), [(0, 12), (32, 35)])
    assert '<mark id="mark">One &lt;script&gt;</mark>' in html
    assert "<mark>two</mark>." in html
    assert "<script" not in html
    assert html.count("<mark") == 2
    assert "&lt;b&gt;&amp;.txt" in html


def test_a_table_is_a_table_with_its_cell_marked():
    text = "Prices\nname\tprice\nS1\t10"
    cells = (
        Cell(start=7, end=11, row=0, column=0, header=True),
        Cell(start=12, end=17, row=0, column=1, header=True),
        Cell(start=18, end=20, row=1, column=0),
        Cell(start=21, end=23, row=1, column=1),
    )
    blocks = (
        Block(kind="heading", start=0, end=6, level=1),
        Block(kind="table", start=7, end=23, cells=cells),
    )
    html = page_html(*flowed(text, blocks), [(21, 23)])
    assert "<h2>Prices</h2>" in html
    assert "<tr><th>name</th><th>price</th></tr>" in html
    assert '<tr><td>S1</td><td><mark id="mark">10</mark></td></tr>' in html


def test_a_table_that_begins_at_a_far_column_is_one_wide_gap():
    cells = (Cell(start=0, end=1, row=0, column=10**9),)
    html = page_html(*flowed("x", (Block(kind="table", start=0, end=1, cells=cells),)), [])
    assert '<tr><td colspan="1000"></td><td>x</td></tr>' in html


@pytest.mark.parametrize(
    ("given", "ranges"),
    [
        ("", []),
        ("5-9", [(5, 9)]),
        ("20-30,5-9", [(5, 9), (20, 30)]),
        ("5-9,7-12", [(5, 12)]),
        ("9-5,x,<b>,-1-2", []),
        ("5-9,evil,20-30", [(5, 9), (20, 30)]),
    ],
)
def test_spans_are_read_from_the_address(given: str, ranges: list[tuple[int, int]]):
    assert parse_spans(given) == ranges


# The API


def test_a_document_is_added_listed_shown_and_removed(
    client: TestClient, opened: Doors, tmp_path: Path
):
    pdf = files.text_pdf(tmp_path / "gone.pdf", ["Soon to be removed."])
    added = client.post(
        "/api/documents", files={"file": ("gone.pdf", pdf.read_bytes())}, data={"space": "attic"}
    ).json()
    assert (added["file"], added["space"], added["status"]) == ("gone.pdf", "attic", "queued")
    assert opened.library.wait(60)
    listed = client.get("/api/documents", params={"space": "attic"}).json()
    assert [(d["file"], d["status"]) for d in listed] == [("gone.pdf", "ready")]
    assert client.get("/api/documents/gone.pdf").json()["pages"][0]["text"] == "Soon to be removed."
    document_id = added["document_id"]
    assert client.delete(f"/api/documents/{document_id}").json()["removed"] == [document_id]
    assert client.get(f"/api/documents/{document_id}").status_code == 404
    certificate = client.get(f"/api/documents/{document_id}/certificate").json()
    assert certificate["proved"]
    assert certificate in client.get("/api/certificates").json()
    assert "gone.pdf" not in json.dumps(certificate)
    assert client.get("/api/documents/d0/certificate").status_code == 404


def test_a_known_name_is_decided_by_a_field(client: TestClient, opened: Doors):
    def post(text: bytes, **fields: str):
        file = {"file": ("rules.txt", text)}
        return client.post("/api/documents", files=file, data={"space": "rules", **fields})

    first = post(b"The old rule.").json()
    asked = post(b"The new rule.", same_name="ask")
    assert asked.status_code == 409
    assert "replace it, to keep both, or to skip" in asked.json()["error"]
    skipped = post(b"The new rule.", same_name="skip").json()
    assert (skipped["status"], skipped["document_id"]) == ("duplicate", first["document_id"])
    assert post(b"A third rule.", same_name="keep_both").json()["file"] == "rules (2).txt"
    replaced = post(b"The new rule.").json()
    assert (replaced["document_id"], replaced["status"]) == (first["document_id"], "queued")
    assert post(b"x", same_name="whatever").status_code == 422
    assert opened.library.wait(60)


def test_the_queue_and_single_files_are_paused(client: TestClient, opened: Doors):
    assert client.post("/api/queue/pause").json()["paused"] is True
    added = client.post("/api/documents", files={"file": ("later.txt", b"Later.")}).json()
    address = f"/api/documents/{added['document_id']}"
    assert client.get(address).json()["paused"] is True
    assert client.post(f"{address}/pause").status_code == 200
    assert client.post("/api/queue/resume").json()["paused"] is False
    assert client.get("/api/queue").json()["held"] == 1
    assert client.post(f"{address}/resume").json()["paused"] is False
    assert opened.library.wait(60)
    ended = client.get(address).json()
    assert (ended["status"], ended["state"]) == ("ready", "Ready")
    for verb in ("resume", "pause", "retry"):
        answer = client.post(f"{address}/{verb}")
        assert answer.status_code == 422
        assert "later.txt" in answer.json()["error"]


def test_the_ledger_of_a_document_and_of_all(client: TestClient, document_id: str):
    lines = client.get(f"/api/documents/{document_id}/ledger").json()
    assert [(line["page"], line["how"]) for line in lines] == [(1, "text"), (2, "text")]
    assert lines[0]["words"] == len(LIBRARY_TEXT.split())
    everything = client.get("/api/ledger").json()
    assert everything["pages"] == sum(everything["how"].values()) >= 2


def test_a_folder_is_decided_where_the_documents_are(client: TestClient):
    listing = {"folder": "/reports", "files": [{"path": "a/b.txt", "digest": "0" * 64}]}
    planned = client.post("/api/documents/sync", json={"listing": listing, "dry_run": True})
    assert [(s["path"], s["action"]) for s in planned.json()["steps"]] == [("a/b.txt", "add")]
    wrong = client.post("/api/documents/sync", json={"listing": {"folder": 1}})
    assert wrong.status_code == 422


def test_search_finds_the_page(client: TestClient, document_id: str):
    found = client.post("/api/search", json={"query": "keeper of the lighthouse", "k": 3}).json()
    first = found["hits"][0]
    assert (first["document_id"], first["page"]) == (document_id, 1)
    assert "Ada Holm" in first["text"]


def test_ask_answers_with_boxes(client: TestClient, document_id: str):
    answer = client.post("/api/ask", json={"question": "When was the lighthouse built?"}).json()
    assert "1874" in answer["answer"]
    citation = answer["citations"][0]
    assert (citation["document_id"], citation["page"]) == (document_id, 1)
    assert all(0 <= edge <= 1 for box in citation["boxes"] for edge in box)


def test_ask_streams_growing_answers(client: TestClient, document_id: str):
    body = {"question": "When was the lighthouse built?", "stream": True}
    answer = client.post("/api/ask", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "1874" in answer.text.rstrip().rsplit("data: ", 1)[1]


def test_reindex_and_verify(client: TestClient, document_id: str):
    assert client.post("/api/reindex", params={"wait": True}).json()["state"] == "done"
    assert client.get("/api/reindex").json()["swapped"] is True
    assert client.post("/api/verify", params={"repair": False}).json()["ok"] is True


def test_health_names_every_part(client: TestClient):
    health = client.get("/api/health").json()
    assert health["ok"] is True
    assert {"checks", "versions", "fingerprint", "storage", "protection", "model"} <= health.keys()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/documents/nothing", None, 404),
        ("DELETE", "/api/documents/nothing", None, 404),
        ("POST", "/api/search", {"k": 3}, 422),
        ("POST", "/api/ask", {"question": "x", "unknown": 1}, 422),
        ("GET", "/api/nothing", None, 404),
        ("GET", "/api/docs", None, 404),
        ("PUT", "/api/health", None, 405),
    ],
)
def test_faults_of_the_caller_are_sentences(
    client: TestClient, method: str, path: str, body: dict | None, status: int
):
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_an_unreadable_file_is_refused_with_a_sentence(client: TestClient):
    answer = client.post("/api/documents", files={"file": ("old.doc", b"\xd0\xcf\x11\xe0" * 99)})
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")


def test_a_token_must_be_the_owners(client: TestClient, opened: Doors):
    for token, status in ((opened.token, 200), ("another", 401)):
        headers = {"authorization": f"Bearer {token}"}
        assert client.get("/api/documents", headers=headers).status_code == status


def test_the_api_says_so_while_shut(client: TestClient, opened: Doors):
    doors.fill(None)
    try:
        answer = client.get("/api/documents")
    finally:
        doors.fill(opened)
    assert answer.status_code == 503
    assert "not open" in answer.json()["error"]
