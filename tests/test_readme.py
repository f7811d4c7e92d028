"""README.md shows what happens; where it leads, tests/test_pages.py holds."""

from tests.support import readme_tour as tour


def test_what_is_typed_prints_what_is_shown(toured):
    steps, _ = toured
    shown = [step for step in steps if step.shown]
    assert len(shown) > 8
    for step in shown:
        assert tour.masked(step.printed) == tour.masked(step.shown[2]), step.typed


def test_the_examples_of_python_hold(toured):
    steps, _ = toured
    said = [step.printed for step in steps if step.kind == "python"]
    assert len(said) > 4
    assert "".join(said) == ""


def test_every_text_is_what_some_command_printed(toured):
    steps, _ = toured
    texts = [
        block.start()
        for block in tour.BLOCK.finditer(tour.README.read_text())
        if block[1] == "text"
    ]
    assert texts == [step.shown.start() for step in steps if step.shown]


def test_only_times_are_masked():
    assert tour.masked("8.1 s, 70% of it computing, 3 ms\n") == "… s, …% of it computing, … ms"
    assert tour.masked(" 16  2,205  0.0%  \n") == " 16  2,205  0.0%"
