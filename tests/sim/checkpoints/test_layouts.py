"""The files that a path stands for, in directories as trainers and hubs nest them."""

import json
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.download import download
from drift.sim.checkpoints.hub import cache_directory
from drift.sim.checkpoints.layouts import INDEX
from drift.sim.errors import BadInput, Unfinished
from tests.support.builders import matrix, write, write_sharded

HEAD = "lm_head.weight"
ONE, OTHER = (matrix(np.full((4, 3), code, np.uint16), BFLOAT16) for code in (0x3F80, 0x3F81))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """The cache of a hub, empty."""
    for name in ("HF_HOME", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    found = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("HF_HUB_CACHE", str(found))
    return found


def index(path, **files):
    path.write_text(json.dumps({"weight_map": files or {HEAD: "gone-00001-of-00001.safetensors"}}))


def first(path):
    """The code of the head that is read, and the lines on what was passed over."""
    found = Checkpoint(path)
    return int(found.matrix().codes[0, 0]), found.notes


def refused(path):
    with pytest.raises(BadInput) as error:
        Checkpoint(path).matrix()
    assert str(error.value).isprintable()
    return str(error.value)


@pytest.mark.parametrize("name", ["model", "consolidated"])
def test_a_good_file_is_read_beside_a_stale_index(tmp_path, name):
    write(tmp_path / f"{name}.safetensors", {HEAD: ONE})
    index(tmp_path / INDEX)
    code, (note,) = first(tmp_path)
    assert code == 0x3F80
    assert f"{INDEX} was passed over: shards are missing; {tmp_path}/{name}.safetensors" in note
    (tmp_path / INDEX).write_text("{")
    assert first(tmp_path)[0] == 0x3F80
    (tmp_path / f"{name}.safetensors").write_bytes(b"damaged")
    assert "is not JSON" in refused(tmp_path)


def test_a_missing_shard_is_told_with_the_index_that_promised_it(tmp_path):
    write_sharded(tmp_path, [{"h": ONE}, {HEAD: ONE}])
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    said = refused(tmp_path)
    assert "model-00002-of-00002.safetensors: there is no such file, but " in said
    assert said.endswith(f"{tmp_path / INDEX} lists it for '{HEAD}'")
    write(tmp_path / "ema.safetensors", {HEAD: ONE})
    assert refused(tmp_path).endswith(
        "; beside it there is ema.safetensors, which it does not name"
    )


def test_a_whole_index_is_followed_and_a_copy_beside_it_is_named(tmp_path):
    write_sharded(tmp_path, [{HEAD: ONE}])
    write(tmp_path / "model.safetensors", {HEAD: OTHER})
    code, (note,) = first(tmp_path)
    assert code == 0x3F80
    assert "model.safetensors was passed over" in note


def test_a_shard_may_be_said_to_be_here(tmp_path):
    write(tmp_path / "x.safetensors", {HEAD: ONE})
    index(tmp_path / INDEX, **{HEAD: "./x.safetensors"})
    assert first(tmp_path) == (0x3F80, [])


def test_of_several_indexes_the_whole_one_is_read_and_none_is_guessed(tmp_path):
    write(tmp_path / "a.safetensors", {HEAD: ONE})
    write(tmp_path / "b.safetensors", {HEAD: OTHER})
    index(tmp_path / "model.fp16.safetensors.index.json", **{HEAD: "b.safetensors"})
    assert first(tmp_path) == (0x3F81, [])
    index(tmp_path / "old.safetensors.index.json")
    code, (note,) = first(tmp_path)
    assert code == 0x3F81
    assert "beside it there is old.safetensors.index.json" in note
    index(tmp_path / "ema.safetensors.index.json", **{HEAD: "a.safetensors"})
    said = refused(tmp_path)
    assert "ema.safetensors.index.json, model.fp16.safetensors.index.json; name one" in said
    assert first(tmp_path / "ema.safetensors.index.json")[0] == 0x3F80
    index(tmp_path / INDEX, **{HEAD: "a.safetensors"})
    assert first(tmp_path) == (0x3F80, [])


def test_the_only_checkpoint_of_a_trainer_is_read_and_of_several_none(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "training_args.bin").write_bytes(b"PK\x03\x04")
    (tmp_path / "checkpoint-500").mkdir()
    write(tmp_path / "checkpoint-500" / "model.safetensors", {HEAD: ONE})
    code, (note,) = first(tmp_path)
    assert code == 0x3F80
    assert note.endswith("checkpoint-500 is read")
    (tmp_path / "checkpoint-1000").mkdir()
    write(tmp_path / "checkpoint-1000" / "model.safetensors", {HEAD: OTHER})
    assert "that do: checkpoint-500, checkpoint-1000; name one of them" in refused(tmp_path)
    write(tmp_path / "model.safetensors", {HEAD: OTHER})
    assert first(tmp_path) == (0x3F81, [])


def test_directories_of_parts_are_named(tmp_path):
    for part in ("text_encoder", "text_encoder_2"):
        (tmp_path / part).mkdir()
        write(tmp_path / part / "model.safetensors", {HEAD: ONE})
    (tmp_path / "model_index.json").write_text("{}")
    assert "directories that do: text_encoder, text_encoder_2; name" in refused(tmp_path)


def model_in(cache, name, commits, main=None):
    """A model in the cache of a hub, whose files are links to blobs."""
    root = cache / f"models--{name.replace('/', '--')}"
    (root / "blobs").mkdir(parents=True)
    for number, commit in enumerate(commits):
        snapshot = root / "snapshots" / commit
        snapshot.mkdir(parents=True)
        write(root / "blobs" / f"{number}", {HEAD: (ONE, OTHER)[number]})
        (snapshot / "model.safetensors").symlink_to(f"../../blobs/{number}")
    if main is not None:
        (root / "refs").mkdir()
        (root / "refs" / "main").write_text(main)
    return root


def test_the_root_of_a_cached_model_is_its_newest_snapshot(cache):
    root = model_in(cache, "Org/Name", ["aaaa", "bbbb"], main="bbbb\n")
    assert first(root) == first(root / "snapshots") == (0x3F81, [])
    assert "is a hub's cache, which holds models--Org--Name; name one of them" in refused(cache)
    assert first(model_in(cache, "one", ["cccc"], main="gone")) == (0x3F80, [])
    two = model_in(cache, "two", ["aaaa", "bbbb"])
    assert "2 snapshots, and refs/main names none of them; name one: snapshots/aaaa" in refused(two)
    assert "holds no snapshot" in refused(_none(cache))


def _none(cache):
    (cache / "models--none" / "snapshots").mkdir(parents=True)
    return cache / "models--none"


def test_a_link_to_a_blob_that_is_gone_is_called_that(cache):
    root = model_in(cache, "Org/Name", ["aaaa"])
    (root / "blobs" / "0").unlink()
    said = "model.safetensors is a link to ../../blobs/0, which is not there; fetch it again"
    assert said in refused(root)
    assert said in refused(root / "snapshots" / "aaaa" / "model.safetensors")


@pytest.mark.parametrize("where", ["HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"])
def test_a_hubs_id_is_found_in_its_cache(tmp_path, monkeypatch, where):
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv(where, str(tmp_path))
    below = {"HF_HUB_CACHE": "", "HF_HOME": "hub", "XDG_CACHE_HOME": "huggingface/hub"}
    cache = tmp_path / below.get(where, ".cache/huggingface/hub")
    model_in(cache, "Org/Name-1.5_B", ["aaaa"], main="aaaa")
    model_in(cache, "gpt", ["aaaa", "bbbb"], main="bbbb")
    monkeypatch.chdir(tmp_path)
    assert first("Org/Name-1.5_B") == (0x3F80, [])
    assert first("gpt") == (0x3F81, [])
    (tmp_path / "gpt").mkdir()  # what is here comes first
    assert "gpt holds no safetensors file" in refused("gpt")


def test_what_is_nowhere_is_told_with_all_places(tmp_path, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model_in(cache, "Org/Other", ["aaaa"])
    said = refused("Org/Name")
    assert said == (
        "Org/Name: there is no such file or directory; no model Org/Name is in the hub's cache:"
        f" {cache} holds Org/Other; drift scan Org/Name --download fetches it"
    )
    (tmp_path / "Org").mkdir()
    (tmp_path / "Org" / "name").touch()
    assert refused("Org/Name").endswith("; Org holds name")
    for path in ("../x/../y", "a/b/c", "x.safetensors", "a--b", "/a"):
        assert "hub's cache" not in refused(path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    assert f"hub's cache: there is no {tmp_path / 'none'}; the working" in refused("Name")


class Library:
    """The hub's library, whose hub has the files of one model."""

    def __init__(self, hub):
        self.hub, self.asked = hub, []

    def snapshot_download(self, model, cache_dir, allow_patterns):
        self.asked.append(allow_patterns)
        if model != "Org/Name":
            raise type("RepositoryNotFoundError", (Exception,), {})("404 Client Error.\nmore")
        if self.hub is None:
            raise OSError("the network is down")
        found = Path(cache_dir) / "models--Org--Name" / "snapshots" / "aaaa"
        found.mkdir(parents=True, exist_ok=True)
        for file in self.hub.iterdir():
            if any(fnmatch(file.name, pattern) for pattern in allow_patterns):
                shutil.copy(file, found)
        return str(found)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The library of a hub whose model is made in a directory."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "hub").mkdir()
    library = Library(tmp_path / "hub")
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    monkeypatch.chdir(tmp_path)
    return library


def test_of_a_hubs_model_only_the_shards_that_are_needed_are_fetched(hub, cache):
    write_sharded(hub.hub, [{"h": ONE}, {HEAD: ONE}, {"model.embed_tokens.weight": OTHER}])
    assert "drift scan Org/Name --download" in refused("Org/Name")
    assert hub.asked == []
    download(Path("Org/Name"))
    assert sorted(each.name[:11] for each in cache.glob("*/snapshots/aaaa/*.safetensors")) == [
        "model-00002",
        "model-00003",
    ]
    assert first("Org/Name") == (0x3F80, [])
    assert Checkpoint("Org/Name").tied is False


@pytest.mark.parametrize("name", ["model", "consolidated"])
def test_a_hubs_model_of_one_file_is_fetched(hub, name):
    write(hub.hub / f"{name}.safetensors", {HEAD: ONE})
    (hub.hub / "config.json").write_text('{"tie_word_embeddings": true}')
    (hub.hub / "pytorch_model.bin").write_bytes(b"\x80\x02}.")
    download(Path("Org/Name"))
    assert Checkpoint("Org/Name").tied is True


def test_a_download_that_cannot_be_gets_one_line(hub, monkeypatch):
    def said(path, kind=BadInput):
        with pytest.raises(kind) as error:
            download(Path(path))
        assert str(error.value).isprintable()
        return str(error.value)

    assert said("Org/Gone") == "Org/Gone can't be downloaded: 404 Client Error."
    assert said("Org/Name") == "Org/Name has no safetensors file at its hub; one is needed"
    assert "hub is there already; ORG/NAME is needed" in said("hub")
    assert "a/b/c is no id of a model" in said("a/b/c")
    hub.hub = None
    assert said("Org/Name", Unfinished) == "Org/Name can't be downloaded: the network is down"
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert said("Org/Name") == "--download needs the extra bf16-drift[hub]"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE forbids it; unset it to download" in said("Org/Name")


def test_the_library_finds_its_models_where_they_are_looked_for(tmp_path, monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setenv("HF_HUB_CACHE", constants.HF_HUB_CACHE)
    assert str(cache_directory()) == constants.HF_HUB_CACHE
    from huggingface_hub import snapshot_download

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    root = model_in(tmp_path, "Org/Name", ["a" * 40, "b" * 40], main="b" * 40)
    theirs = snapshot_download("Org/Name", cache_dir=tmp_path, local_files_only=True)
    assert Checkpoint("Org/Name").directory == Path(theirs) == root / "snapshots" / ("b" * 40)
