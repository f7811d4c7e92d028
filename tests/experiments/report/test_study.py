"""Markdown as a page shows it."""

from matplotlib.figure import Figure

from drift.experiments.report.document import DataTable, HtmlPage, Markdown, Part, Picture, render
from drift.experiments.report.study import sections

TEXT = """# What *came* of it

- **one**: <script>alert(1)</script>
- two, [as told](there.md)

## Counts

Some `code` & [more](javascript:alert(1)).

| of | count |
| --- | ---: |
| **all** | 1,000 |
| <b>few</b> | 2 |

![A *picture*](drawn.png)
"""


def test_headings_tables_and_figures_become_those_of_the_page():
    drawn = Figure()
    title, found = sections(TEXT, {"drawn": drawn})
    assert title == "What came of it"
    assert [section.heading for section in found] == ["In short", "Counts"]
    assert [type(block) for block in found[1].blocks] == [Markdown, DataTable, Picture]
    _, table, picture = found[1].blocks
    assert table.columns == ["of", "count"]
    assert table.rows == [["all", "1,000"], ["<b>few</b>", "2"]]
    assert (picture.figure, picture.title) == (drawn, "A picture")


def test_nothing_in_it_is_followed_or_run():
    title, found = sections(TEXT, {"drawn": Figure()})
    html = render(HtmlPage([Part(title, "", found)]))
    assert "<li><strong>one</strong>: &lt;script&gt;alert(1)" in html
    assert "two, as told</li>" in html
    assert "<a href" not in html
    assert "javascript:" not in html.replace("[more](javascript:alert(1))", "")
    assert "<p>Some <code>code</code> &amp; " in html
    assert "&lt;b&gt;few&lt;/b&gt;" in html
    assert ' style="' not in html
