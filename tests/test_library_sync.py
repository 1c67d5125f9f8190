"""A folder is followed: what changed in it is added, replaced, moved and removed; nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import files
import pytest

from ingestion.folders import Listing, Plan, look, plan
from ingestion.library import Library
from store.catalog.arrivals import Known, Origin
from store.errors import BadInput
from store.models import LOCAL_ADMIN, Principal


def write(folder: Path, tree: dict[str, str]) -> Path:
    for name, text in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def sync(library: Library, folder: Path, *, allow_empty: bool = False) -> dict[str, str]:
    """What was done: path → action."""
    listing, places = look(folder)
    done = library.sync(LOCAL_ADMIN, listing, allow_empty=allow_empty)
    for step in done.of("add", "replace"):
        origin = Origin(listing.folder, step.path)
        library.add(LOCAL_ADMIN, places[step.path].name, places[step.path], origin=origin)
    assert library.wait(60)
    return {s.path: s.action for s in done.steps}


def names(library: Library) -> dict[str | None, str]:
    """Path within the folder → name, of the documents that are ready."""
    assert {d.status for d in library.list(LOCAL_ADMIN)} <= {"ready"}
    return {d.sync_path: d.name for d in library.list(LOCAL_ADMIN)}


TREE = {
    "a.txt": "The first text of the folder.",
    "2022/summary.txt": "Revenue was four million in that year.",
    "2023/summary.txt": "Revenue was nine million in that year.",
}


def test_a_folder_is_followed(library: Library, tmp_path: Path):
    folder = write(tmp_path / "in", TREE)
    by_hand = library.add(LOCAL_ADMIN, "hand.txt", b"Added by hand, and not from the folder.")
    assert set(sync(library, folder).values()) == {"add"}
    before = names(library)
    assert before == {
        "a.txt": "a.txt",
        "2022/summary.txt": "summary.txt",
        "2023/summary.txt": "summary (2).txt",
        None: "hand.txt",
    }
    assert set(sync(library, folder).values()) == {"unchanged"}
    write(folder, {"a.txt": "The first text was changed.", "b.txt": "A new one."})
    (folder / "2022/summary.txt").unlink()
    assert sync(library, folder) == {
        "a.txt": "replace",
        "b.txt": "add",
        "2022/summary.txt": "remove",
        "2023/summary.txt": "unchanged",
    }
    assert set(names(library)) == {"a.txt", "b.txt", "2023/summary.txt", None}
    assert library.document(LOCAL_ADMIN, by_hand.id).status == "ready"
    assert library.verify(LOCAL_ADMIN).ok


def test_a_file_that_moved_is_not_read_again_and_its_name_follows(library: Library, tmp_path: Path):
    folder = tmp_path / "in"
    (folder / "old").mkdir(parents=True)
    files.text_pdf(folder / "old/report.pdf", ["The lighthouse is white.", "The boat is red."])
    sync(library, folder)
    document = library.document(LOCAL_ADMIN, "report.pdf")
    pages = [line.page_id for line in library.ledger(LOCAL_ADMIN, document.id)]
    (folder / "new").mkdir()
    (folder / "old/report.pdf").rename(folder / "new/report.pdf")
    assert sync(library, folder) == {"new/report.pdf": "move"}
    assert names(library) == {"new/report.pdf": "report.pdf"}
    (folder / "new/report.pdf").rename(folder / "new/lights.pdf")
    assert sync(library, folder) == {"new/lights.pdf": "move"}
    moved = library.document(LOCAL_ADMIN, "lights.pdf")
    assert moved.id == document.id
    assert [line.page_id for line in library.ledger(LOCAL_ADMIN, document.id)] == pages
    library.pipeline.leave([x.version_id for x in library.catalog.leaving()])
    serving = library.pipeline.first_generation()
    (ids,) = library.catalog.chunk_ids(serving.id).values()
    headers = {c.header for c in library.catalog.chunks(sorted(ids)).values()}
    assert all("lights" in h and "report" not in h for h in headers)
    assert library.verify(LOCAL_ADMIN).ok


def test_two_files_that_change_places_are_both_right(library: Library, tmp_path: Path):
    folder = write(tmp_path / "in", {"a.txt": "This is the first.", "b.txt": "This is the other."})
    sync(library, folder)
    write(folder, {"b.txt": "This is the first.", "a.txt": "This is the other."})
    assert set(sync(library, folder).values()) == {"replace"}
    for name, text in (("a.txt", "This is the other."), ("b.txt", "This is the first.")):
        assert library.show(LOCAL_ADMIN, name)[1][0].text == text
    assert set(sync(library, folder).values()) == {"unchanged"}


def test_the_same_content_twice_is_one_document_that_stays_as_long_as_one_file_does(
    library: Library, tmp_path: Path
):
    folder = write(tmp_path / "in", {"a.txt": "The same words.", "b.txt": "The same words."})
    assert sync(library, folder) == {"a.txt": "add", "b.txt": "unchanged"}
    (folder / "a.txt").unlink()
    assert sync(library, folder) == {"b.txt": "move"}
    assert names(library) == {"b.txt": "b.txt"}


def test_what_others_added_is_neither_taken_over_nor_removed(library: Library, tmp_path: Path):
    text = "Words that are here already."
    by_hand = library.add(LOCAL_ADMIN, "hand.txt", text.encode())
    other = library.add(LOCAL_ADMIN, "b.txt", b"By hand, with a name of the folder.")
    folder = write(tmp_path / "in", {"a.txt": text, "b.txt": "Of the folder."})
    second = write(tmp_path / "second", {"c.txt": "Of a second folder."})
    sync(library, second)
    assert sync(library, folder) == {"a.txt": "unchanged", "b.txt": "add"}
    shutil.rmtree(folder)
    write(folder, {"x.txt": "Something else."})
    sync(library, folder, allow_empty=True)
    assert {d.name for d in library.list(LOCAL_ADMIN)} == {
        "hand.txt", "b.txt", "c.txt", "x.txt",
    }  # fmt: skip
    assert {by_hand.id, other.id} <= {d.id for d in library.list(LOCAL_ADMIN)}


def test_a_folder_that_is_gone_or_empty_removes_nothing(library: Library, tmp_path: Path):
    folder = write(tmp_path / "in", TREE)
    sync(library, folder)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="nothing was changed"):
        sync(library, folder)
    folder.mkdir()
    (folder / ".not-mounted").write_text("x")
    with pytest.raises(BadInput, match="It is empty now, so nothing was changed"):
        sync(library, folder)
    write(folder, {"lost+found.txt": "Another drive at the same place."})
    with pytest.raises(BadInput, match="None of them is left"):
        sync(library, folder)
    assert len(names(library)) == 3
    (folder / "lost+found.txt").unlink()
    assert set(sync(library, folder, allow_empty=True).values()) == {"remove"}
    assert library.list(LOCAL_ADMIN) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_keeps_its_document(library: Library, tmp_path: Path):
    folder = write(tmp_path / "in", TREE)
    sync(library, folder)
    (folder / "a.txt").chmod(0)
    (folder / "2022").chmod(0)
    try:
        done = sync(library, folder)
    finally:
        (folder / "a.txt").chmod(0o600)
        (folder / "2022").chmod(0o700)
    assert done == {"a.txt": "fail", "2022": "fail", "2023/summary.txt": "unchanged"}
    assert len(names(library)) == 3


def known(path: str, digest: str, name: str | None = None) -> Known:
    return Known(f"d-{path}", name or path, path, digest, "ready")


def listing(tree: dict[str, str], **more: object) -> Listing:
    found = [{"path": path, "digest": digest} for path, digest in sorted(tree.items())]
    return Listing.model_validate({"folder": "/f", "files": found, **more})


def actions(of: Plan) -> dict[str, str]:
    return {s.path: s.action for s in of.steps}


def test_an_unreadable_folder_or_file_stands_for_all_below_it():
    unread = [
        {"path": "shut", "reason": "It may not be read.", "folder": True},
        {"path": "b", "reason": "It vanished."},
    ]
    before = [known("shut/a", "1"), known("b", "2"), known("shutter", "3"), known("c", "4")]
    decided = plan(listing({"c": "4"}, unread=unread), before)
    assert actions(decided) == {"shut": "fail", "b": "fail", "shutter": "remove", "c": "unchanged"}
    assert all("kept" in (s.note or "") for s in decided.of("fail"))


def test_edits_keep_their_document_and_copies_of_the_old_text_are_new():
    decided = plan(listing({"a.txt": "new", "copy.txt": "old"}), [known("a.txt", "old")])
    assert actions(decided) == {"copy.txt": "add", "a.txt": "replace"}
    # Known bytes go first: their pages are still there.
    assert [s.path for s in decided.steps] == ["copy.txt", "a.txt"]


def test_another_suffix_is_another_file():
    decided = plan(listing({"a.md": "1"}), [known("a.txt", "1")])
    assert actions(decided) == {"a.txt": "remove", "a.md": "add"}


def test_hidden_lock_and_temporary_files_are_left_out_and_links_stay_inside(tmp_path: Path):
    folder = write(
        tmp_path / "in",
        {
            "a.txt": "1", ".hidden": "2", "~$report.docx": "3", ".~lock.x.odt#": "4", "b.tmp": "5",
            "c.crdownload": "6", "d.txt~": "7", "Thumbs.db": "8", ".git/config": "9",
            "store/catalog.db": "10",
        },
    )  # fmt: skip
    outside = write(tmp_path / "out", {"secret.txt": "11"})
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    (folder / "links").symlink_to(outside)
    (folder / "inside.txt").symlink_to(folder / "a.txt")
    (folder / "nowhere.txt").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.txt")
    found, places = look(folder, but=[folder / "store"])
    assert set(places) == {"a.txt", "inside.txt"}
    assert set(found.outside) == {"link.txt", "links"}
    assert [u.path for u in found.unread] == ["nowhere.txt"]
    assert found.left_out == 9


def test_a_name_that_is_not_utf8_is_followed_like_any_other(library: Library, tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("Coffee is served at six.")
    assert sync(library, folder) == {"caf\\xe9.txt": "add"}
    assert sync(library, folder) == {"caf\\xe9.txt": "unchanged"}


def test_a_file_that_has_become_unacceptable_keeps_what_was_read(library: Library, tmp_path: Path):
    folder = write(tmp_path / "in", {"a.txt": "Words.", "b.txt": "Others."})
    sync(library, folder)
    (folder / "a.txt").write_bytes(b"")
    with pytest.raises(BadInput, match="empty"):
        sync(library, folder)
    assert set(names(library)) == {"a.txt", "b.txt"}


def test_a_stranger_synchronises_nothing(library: Library):
    stranger = Principal(id="stranger", spaces=frozenset())
    for dry in (True, False):
        with pytest.raises(Exception, match="no space"):
            library.sync(stranger, listing({"a": "1"}), dry_run=dry)


def test_a_twin_that_was_never_read_takes_no_documents_place(library: Library, tmp_path: Path):
    folder = write(tmp_path / "in", {"a.txt": "The lighthouse is white."})
    sync(library, folder)
    new = "The lighthouse was painted red."
    library.pause(LOCAL_ADMIN)
    copy = library.add(LOCAL_ADMIN, "copy.txt", new.encode())
    library.cancel(LOCAL_ADMIN, copy.id)
    library.resume(LOCAL_ADMIN)
    write(folder, {"a.txt": new})
    assert sync(library, folder) == {"a.txt": "replace"}
    by_name = {d.name: d.status for d in library.list(LOCAL_ADMIN)}
    assert by_name == {"a.txt": "ready", "copy.txt": "cancelled"}
    assert library.show(LOCAL_ADMIN, "a.txt")[1][0].text == new
    assert sync(library, folder) == {"a.txt": "unchanged"}


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_failed_file_of_the_folder_is_no_twin_either(status: str):
    ours = [Known("d1", "a.txt", "a.txt", "1" * 64, "ready")]
    ours += [Known("d2", "b.txt", "b.txt", "2" * 64, status)]
    both = [{"path": "a.txt", "digest": "2" * 64}, {"path": "b.txt", "digest": "2" * 64}]
    steps = plan(Listing.model_validate({"folder": "/in", "files": both}), ours).steps
    assert {s.path: s.action for s in steps} == {"a.txt": "replace", "b.txt": "unchanged"}


@pytest.mark.parametrize(("status", "stays"), [("queued", True), ("processing", True),
                                               ("ready", False), ("no_text", False)])  # fmt: skip
def test_a_document_stays_until_its_twin_has_been_read(status: str, stays: bool):
    ours = [Known("d1", "a.txt", "a.txt", "1" * 64, "ready")]
    ours += [Known("d2", "by hand.txt", None, "2" * 64, status)]
    changed = [{"path": "a.txt", "digest": "2" * 64}]
    more = [{"path": "z.txt", "digest": "3" * 64}]
    ours += [Known("d3", "z.txt", "z.txt", "3" * 64, "ready")]
    made = plan(Listing.model_validate({"folder": "/in", "files": changed + more}), ours)
    assert [s.document_id for s in made.of("remove")] == ([] if stays else ["d1"])
