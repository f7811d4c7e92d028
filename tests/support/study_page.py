"""What holds of the page of every study."""


def whole_page(out, said, pictures):
    """The text of the page in `out`, which shows all `pictures`; `said` is what the study said."""
    text = (out / "README.md").read_text()
    assert set(said["files"]) == {str(path) for path in out.iterdir() if path.is_file()}
    assert sorted(path.name for path in out.glob("*.png")) == pictures
    assert all(f"]({name})" in text for name in pictures)
    assert "None" not in text
    assert "nan" not in text
    return text
