"""Files are written whole, or what was there stays."""

import os

import pytest

from drift.experiments.console.files import write_text_atomically
from drift.sim.errors import BadInput


def test_a_file_is_written_and_replaced(tmp_path):
    path, link = tmp_path / "a", tmp_path / "link"
    link.symlink_to(path)
    for text in ("one\n", "σ\n"):
        write_text_atomically(link, text)
        assert path.read_text(encoding="utf-8") == text
    assert link.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "link"]


def test_what_cannot_be_written_gets_one_line_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("before")
    os.mkfifo(tmp_path / "pipe")
    for name, message in (
        ("file/a", "can't be written: Not a directory"),
        ("gone/a", "can't be written: No such file or directory"),
        (".", "is not a regular file"),
        ("pipe", "is not a regular file"),
        ("n" * 300, "can't be written: File name too long"),
    ):
        with pytest.raises(BadInput, match=message):
            write_text_atomically(tmp_path / name, "after")
    with pytest.raises(UnicodeEncodeError):
        write_text_atomically(tmp_path / "file", "after\ud800")
    assert (tmp_path / "file").read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "pipe"]
