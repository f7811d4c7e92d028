"""Text out of files, made fit to be shown: nothing in it can steer a terminal."""

_MOST = 120


def legible(text: str, most: int = _MOST) -> str:
    """`text` with what does not print escaped, cut after `most` characters."""
    start = "".join(each if each.isprintable() else _escaped(each) for each in text[: most + 1])
    return start if len(text) <= most and len(start) <= most else start[: most - 1] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
