"""Named studies: a question, the drifts that answer it, and a page drawn from their stores.

study     a name, a question, its parts and its page (.registry)
part      a run, a sweep, or a note: values computed from other parts, or predicted (.parts)
page      Markdown with figures and tables beside it, filled into a template NAME.md.j2 (.page).
          No number is typed in, and a sentence that depends on a result is chosen by it

The directory of a study has README.md, figures NAME.png and NAME.svg, tables NAME.csv, and
stores/ with NAME.zarr for each run and sweep and NAME.json for each note.
"""
