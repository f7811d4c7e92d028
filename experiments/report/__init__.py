"""`drift report`: one HTML page that opens from disk and loads nothing from a network.

page      a title and parts; a part shows one store, or one study
part      a heading and sections; a section is a heading and blocks
block     a paragraph, a table, a picture, a command, the lattice panel: .document
picture   a matplotlib figure, as SVG within the page, on a light card: .document
lattice   an interactive panel: some tokens in two dimensions, record by record: .lattice

Texts in blocks are plain text from anywhere, hostile perhaps; the templates escape all
of them. Neither styles nor scripts come from data: the page's own Content-Security-Policy
names the hashes of its one style sheet and its one script, and forbids all else.
"""
