"""What a path is, and that only regular files of a bounded size are opened."""

import errno
import os
import socket
from pathlib import Path

import pytest

from archspec.errors import UserError
from archspec.reading import kind_of, open_file, path_of, read_bytes, reading, reason


def test_a_path_is_a_file_a_folder_something_special_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    kinds = {"file": "file", "link": "file", "pipe": "special", "circle": None, "none": None}
    assert {name: kind_of(tmp_path / name) for name in kinds} == kinds
    assert kind_of(tmp_path) == "folder"
    assert kind_of(Path("/dev/zero")) == "special"
    assert kind_of(Path("x" * 300)) is None
    assert kind_of(Path("a\0b")) is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe or device, not a file"):
        open_file(tmp_path / "pipe")


def test_a_socket_is_called_one(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="it is a socket or device, not a file"):
            open_file(tmp_path / "socket")


@pytest.mark.parametrize("path", ["/dev/zero", "/tmp"])
def test_what_is_no_file_is_not_opened(path: str) -> None:
    with pytest.raises(OSError, match="not a file"):
        open_file(Path(path))


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"12345")
    assert read_bytes(tmp_path / "large", 5) == b"12345"
    with pytest.raises(OSError, match="it has 5 bytes, and 4 are the limit"):
        read_bytes(tmp_path / "large", 4)


@pytest.mark.parametrize("text", ["~nosuchuser/x", "a\0b", "circle/x"])
def test_what_cannot_be_a_path_is_an_error_in_words(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("circle").symlink_to("circle")
    with pytest.raises(UserError, match="cannot be a path"):
        path_of(text)


def test_a_path_from_a_folder_that_was_removed_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UserError, match=r"the folder .* has been removed"):
        path_of("data")


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), ValueError("a\nb"), KeyError()])
def test_whatever_a_reader_raises_names_the_file(error: Exception) -> None:
    with pytest.raises(UserError, match=r"cannot read x.npz: \w") as raised, reading(Path("x.npz")):
        raise error
    assert "\n" not in str(raised.value)


def test_what_is_in_words_already_passes_through() -> None:
    with pytest.raises(UserError, match="own words"), reading(Path("x.npz")):
        raise UserError("own words")


def test_a_lack_of_temporary_folders_is_not_taken_for_a_lost_working_folder() -> None:
    words = "No usable temporary directory found in ['/tmp']"  # as tempfile raises it
    assert reason(FileNotFoundError(errno.ENOENT, words)) == words.lower()
    lost = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))  # as os.getcwd does
    assert reason(lost) == "the folder that the command works in has been removed"
