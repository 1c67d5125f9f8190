"""The embedders: the real local model, and a real HTTP server that speaks the protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from store.embedding import (
    LocalEmbedder,
    ModelMissing,
    OpenAICompatibleEmbedder,
    default_model_dir,
    open_embedder,
)
from store.errors import BadInput, Transient
from store.settings import Settings
from store.word_vectors import WordVectors

needs_model = pytest.mark.skipif(
    not (default_model_dir() / "model.json").is_file(),
    reason="the embedding model is not converted; run make setup",
)

# Made with onnxruntime in fp32 from the same weights, an engine and a converter apart from ours.
KNOWN = {
    "This is an example sentence": (0.06766, 0.06350, 0.04871, 0.07930, 0.03745, 0.00265),
}


@pytest.fixture(scope="module")
def local() -> LocalEmbedder:
    return LocalEmbedder(threads=1)


@needs_model
@pytest.mark.parametrize("text", KNOWN)
def test_vectors_are_those_of_the_published_model(local: LocalEmbedder, text: str):
    assert np.allclose(local.embed_query(text)[:6], KNOWN[text], atol=2e-3)


@needs_model
def test_word_vectors_tell_near_words_and_texts_from_others(tmp_path: Path):
    vectors = WordVectors()
    invoice, bill, whale = vectors.words(["invoice", "bill", "whale"])
    assert invoice @ bill > 0.5 > invoice @ whale
    question, near, far = vectors.texts(
        ["When must the bill be paid?", "Invoices are due in 30 days.", "Whales sing at night."]
    )
    assert question @ near > question @ far + 0.1
    covered = vectors.covered(["bill", "paid"], ["Invoices are due.", "The bill is paid.", ""])
    assert covered[1] > 0.99 > covered[0] > covered[2] == 0
    assert not vectors.texts(["", "\U0001f9ad"]).any()
    with pytest.raises(ModelMissing):
        WordVectors(tmp_path).words(["bill"])


@needs_model
def test_rows_keep_their_order_and_have_unit_length(local: LocalEmbedder):
    texts = ["word " * count for count in (90, 1, 300, 7, 40)]
    vectors = local.embed(texts)
    assert vectors.shape == (5, local.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        assert local.embed_query(text) @ vector > 0.999


@needs_model
def test_meaning_orders_texts(local: LocalEmbedder):
    question = local.embed_query("How many days of paid leave do I get?")
    answer, other = local.embed(
        ["Employees receive 25 days of annual holiday.", "The invoice is due in 30 days."]
    )
    assert question @ answer > question @ other


@needs_model
def test_nothing_empty_and_very_long_texts_are_embedded(local: LocalEmbedder):
    assert local.embed([]).shape == (0, local.dimension)
    assert np.isfinite(local.embed(["", " \n", "\x00", "x" * 1_000_000, "ab " * 500_000])).all()


@needs_model
def test_what_lies_beyond_the_models_length_changes_nothing(local: LocalEmbedder):
    start = "leave " * local.max_tokens
    same, also = local.embed([start, start + "invoice " * 50])
    assert same @ also > 0.9999


@needs_model
def test_tokens_are_counted_without_marks_and_without_a_limit(local: LocalEmbedder):
    assert local.count_tokens(["", "hello world", "word " * 1000]) == [0, 2, 1000]
    assert local.count_tokens([]) == []


@needs_model
def test_threads_share_one_embedder(local: LocalEmbedder):
    texts = [f"sentence number {n} " * (n % 7 + 1) for n in range(24)]
    with ThreadPoolExecutor(6) as pool:
        together = np.stack(list(pool.map(local.embed_query, texts)))
    assert ((together * local.embed(texts)).sum(axis=1) > 0.999).all()


@needs_model
def test_a_changed_model_file_is_refused(tmp_path: Path):
    shutil.copytree(default_model_dir(), tmp_path / "model")
    weights = tmp_path / "model" / "model.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelMissing, match=r"damaged.*make setup"):
        LocalEmbedder(tmp_path / "model").embed_query("hello")


@needs_model
def test_f32_and_the_fast_precision_agree(local: LocalEmbedder):
    texts = ["The quick brown fox.", "Quarterly revenue rose by 4 percent. " * 8]
    exact = LocalEmbedder(threads=1, precision="f32")
    assert exact.fingerprint == local.fingerprint
    assert ((exact.embed(texts) * local.embed(texts)).sum(axis=1) > 0.9995).all()


def test_a_missing_model_says_what_to_run(tmp_path: Path):
    with pytest.raises(ModelMissing, match="make setup"):
        LocalEmbedder(tmp_path).count_tokens(["hello"])


def test_importing_loads_no_engine():
    code = (
        "import sys, store.embedding; print({'openvino', 'openai', 'tokenizers'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_documents_leave_this_machine_only_when_an_embedder_is_named():
    settings = Settings(_env_file=None, openai_api_key="k", openai_base_url="http://llm.example/v1")
    assert open_embedder(settings).host is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"embedder": "magic"}, "use local or openai"),
        ({"embedder": "openai"}, "FOOTNOTE_EMBEDDER_MODEL"),
        ({"embedder": "openai", "embedder_model": "m"}, "FOOTNOTE_EMBEDDER_BASE_URL"),
    ],
)
def test_contradicting_settings_are_explained(given: dict[str, str], says: str):
    with pytest.raises(BadInput, match=says):
        open_embedder(Settings(_env_file=None, **given))


class Server:
    """Speaks /embeddings; `script` holds what to answer next: a status, or garbage as bytes."""

    def __init__(self) -> None:
        self.script: list[int | bytes] = []
        self.inputs: list[list[str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.inputs.append(asked["input"])
                step = outer.script.pop(0) if outer.script else 200
                body = step if isinstance(step, bytes) else outer.answer(asked["input"])
                self.send_response(step if isinstance(step, int) else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                if step == 429:
                    self.send_header("retry-after", "7")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"

    def answer(self, texts: list[str]) -> bytes:
        # Out of order on purpose: the protocol gives each vector its index.
        rows = [{"object": "embedding", "index": i, "embedding": [len(t), 3.0, 0.0]}
                for i, t in enumerate(texts)]  # fmt: skip
        return json.dumps({"object": "list", "model": "m", "data": rows[::-1]}).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever)
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def remote(server: Server, waited: list[float] | None = None, **given: int):
    waits = [] if waited is None else waited
    return OpenAICompatibleEmbedder(model="m", base_url=server.url, wait=waits.append, **given)


def test_a_server_is_asked_in_batches_and_its_order_is_undone(server: Server):
    embedder = remote(server, batch_texts=2)
    vectors = embedder.embed(["a", "bb" * 5, "", "x" * 9000, "c" * 4])
    assert [len(texts) for texts in server.inputs] == [2, 2, 1]
    assert np.allclose(vectors[:, 0] / vectors[:, 1] * 3, [1, 10, 1, 8000, 4], rtol=1e-3)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert (embedder.dimension, embedder.host) == (3, "127.0.0.1")


def test_the_dimension_is_asked_for_when_nothing_was_embedded(server: Server):
    assert remote(server).dimension == 3
    assert remote(server).embed([]).shape == (0, 3)


def test_a_busy_server_is_asked_again_when_it_says(server: Server):
    server.script, waited = [429, 503], []
    assert remote(server, waited).embed_query("hello").shape == (3,)
    assert waited[0] == 7
    assert 0 < waited[1] < 2


def test_a_server_that_stays_busy_is_a_transient_fault(server: Server):
    server.script, waited = [500] * 3, []
    with pytest.raises(Transient, match="3 tries"):
        remote(server, waited, tries=3).embed(["hello"])
    assert len(waited) == 2


def test_an_absent_server_is_a_transient_fault(server: Server):
    absent = OpenAICompatibleEmbedder(
        model="m", base_url="http://127.0.0.1:9/v1", tries=2, wait=lambda _: None
    )
    with pytest.raises(Transient, match=r"127\.0\.0\.1"):
        absent.embed(["hello"])


def test_a_refusal_is_not_tried_again(server: Server):
    server.script = [401]
    with pytest.raises(BadInput, match="401"):
        remote(server).embed(["hello"])
    assert len(server.inputs) == 1


@pytest.mark.parametrize(
    "body", [b"<html>hello</html>", b"{}", b'{"data": []}', b'{"data": [{"index": 0}]}', b"[1]"]
)
def test_an_answer_that_is_no_embeddings_is_said(server: Server, body: bytes):
    server.script = [body]
    with pytest.raises(BadInput, match="not embeddings"):
        remote(server).embed(["hello"])
