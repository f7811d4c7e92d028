"""The notebooks run from start to end, as they are stored with what they showed."""

import pytest

from tests.support.source_files import ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOKS = sorted((ROOT / "experiments/notebooks").glob("*.ipynb"))
MOST_BYTES = 300_000


def test_there_are_two_with_their_pictures_and_they_are_small():
    assert [each.stem for each in NOTEBOOKS] == ["checkpoint-to-claim", "first-hour"]
    for each in NOTEBOOKS:
        assert each.stat().st_size < MOST_BYTES
        cells = [cell for cell in nbformat.read(each, 4).cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in cells)
        shown = [out.get("data", {}) for cell in cells for out in cell.outputs]
        assert sum("image/png" in data for data in shown) >= 2
        assert sum("text/html" in data for data in shown) >= 3
        assert not any(out.output_type in ("error", "stream") for c in cells for out in c.outputs)


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.filterwarnings("ignore")  # of the kernel's own libraries
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, in_tmp):
    notebook = nbformat.read(path, 4)
    where = {"metadata": {"path": str(in_tmp)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()
    for cell in notebook.cells:
        for out in cell.get("outputs", []):
            assert out.output_type != "stream", out.get("text")
