"""`drift report`: one HTML page that opens from disk and asks nothing of any network.

page      a title and parts; a part is one store, or a chapter of a study
part      a heading and sections; a section is a heading and blocks
block     a table, a picture, a note, a command, the lattice to touch: .document
picture   a figure of matplotlib, as SVG within the page, on a light card: .document
lattice   what the slider redraws: some tokens in two dimensions, record by record: .lattice

Texts in blocks are plain text from anywhere, hostile perhaps; the templates escape all
of them. Neither styles nor scripts come from data: the page's own Content-Security-Policy
names the hashes of its one style sheet and its one script, and forbids all else.
"""
