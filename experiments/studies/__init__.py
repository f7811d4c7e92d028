"""Named studies: a question, the runs that answer it, and a page drawn from their stores.

study   a name, what it asks, its parts and its page (.registry)
part    a run, a sweep, or a note: what is worked out once from other parts, or predicted
made    the parts as they are on disk; the page is drawn from them alone (.parts)
page    Markdown with figures and tables beside it. Numbers come from stores; a sentence
        whose truth depends on a result is chosen by the result (.page)

In the directory of a study are README.md, the figures NAME.png and NAME.svg, the tables
NAME.csv, and stores/ with NAME.zarr for each run and sweep and NAME.json for each note.
"""
