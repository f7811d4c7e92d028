"""What an address is: a path, or a name on object storage."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.errors import BadInput
from drift.sim.stores.locate import locate
from drift.sim.stores.location import LocalLocation
from drift.sim.stores.objects.location import S3Location


@pytest.mark.parametrize("text", ["a.zarr", "./a/../b.zarr", "/a//b/", "s3", "s3:", "a:b", "", "~"])
def test_what_has_no_scheme_is_a_path_as_ever(text):
    for written in (text, Path(text)):
        found = locate(written)
        assert isinstance(found, LocalLocation)
        assert (found.path, str(found)) == (Path(text), str(Path(text)))
    assert locate(found) is found


@pytest.mark.parametrize("key", ["a.zarr", "a/b/c.zarr", ".a", "σ=1e-9,R=0.1.zarr", "a~b+c"])
def test_a_name_on_object_storage_stays_as_it_is_written(key):
    found = locate(f"s3://some.bucket-1/{key}")
    assert isinstance(found, S3Location)
    assert (found.bucket.name, found.key) == ("some.bucket-1", key)
    assert (str(found), found.name) == (f"s3://some.bucket-1/{key}", key.split("/")[-1])
    assert str(locate(f"{found}/")) == str(found)
    assert found.beside("x").key == "/".join([*key.split("/")[:-1], f".{found.name}.drift-x"])
    assert locate(str(found.beside("x"))).key == found.beside("x").key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://", "names no bucket"),
        ("s3:///a.zarr", "names no bucket"),
        ("s3://a/b.zarr", "names no bucket"),
        ("s3://bucket", "s3://bucket is a bucket; s3://bucket/NAME is needed"),
        ("s3://bucket/", "is a bucket"),
        ("s3://bucket//a", "is no name of a store"),
        ("s3://bucket/a//b", "is no name of a store"),
        ("s3://bucket/a/../b", "is no name of a store"),
        ("s3://bucket/./a", "is no name of a store"),
        *[(f"s3://bucket/a{each}", "is no name of a store") for each in "*?[]{}#%\\ \n@:'\"&"],
        ("gs://bucket/a.zarr", "gs://… is not supported; a store is a path or s3://BUCKET/NAME"),
        ("file:///a.zarr", "file://… is not supported"),
        ("S3://bucket/a.zarr", "S3://… is not supported"),
        (Path("s3://bucket/a.zarr"), "give it as a text"),
    ],
)
def test_what_is_no_address_is_refused(text, said):
    with pytest.raises(BadInput) as caught:
        locate(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(
    key=st.text("ABC123", min_size=3),
    secret=st.text("wJXYZ+/=:@?", min_size=2).map("wJ".__add__),
    rest=st.sampled_from(["bucket/a.zarr", "bucket", "", "bucket/a b"]),
)
def test_credentials_in_an_address_are_not_repeated(key, secret, rest):
    with pytest.raises(BadInput) as caught:
        locate(f"s3://{key}:{secret}@{rest}")
    assert f"{key}:" not in str(caught.value)
    assert secret not in str(caught.value)


def test_a_place_on_this_machine_tells_what_is_there(tmp_path):
    (tmp_path / "file").write_text("")
    for name, instead in [
        ("gone", "there is nothing"),
        ("file", "it is a file"),
        (".", "no Zarr v3 group is there"),
    ]:
        place = locate(tmp_path / name)
        assert place.exists() == (name != "gone")
        assert not place.holds_group()
        with pytest.raises(BadInput, match=instead):
            place.group()
    assert locate(tmp_path / "a" / "b" / "c").free_bytes() > 0


def test_a_store_has_its_place_only_once_it_is_begun(tmp_path):
    place = locate(tmp_path / "a.zarr")

    class Stop(Exception):
        pass

    for old, new in ((None, 1), (1, 2)):
        with pytest.raises(Stop), place.begin({"number": new}):
            raise Stop
        attributes = {}
        assert place.exists() == (old is not None)
        assert old is None or place.group().attrs["number"] == old
        with place.begin(attributes) as group:
            group.attrs["number"] = new
        assert attributes == {}
        assert place.group().attrs["number"] == new
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
