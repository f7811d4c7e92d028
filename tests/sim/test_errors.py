"""Text out of files cannot steer a terminal, and stays short."""

from hypothesis import given
from hypothesis import strategies as st

from drift.sim.errors import printable


def test_what_prints_stays_and_what_does_not_is_escaped():
    assert printable("lm_head.weight, σ × ไทย [bold]") == "lm_head.weight, σ × ไทย [bold]"
    assert printable("a\x1b[2J\n\r\u202e\ud800\x9b") == r"a\x1b[2J\n\r\u202e\ud800\x9b"
    assert printable("abcdef", 6) == "abcdef"
    assert printable("abcdefg", 6) == "abcde…"
    assert printable("abcd\n\n", 6) == "abcd\\…"


@given(st.text(), st.integers(1, 20))
def test_it_is_printable_and_short_whatever_the_text(text, most):
    shown = printable(text, most)
    assert shown.isprintable()
    assert len(shown) <= most
