"""Figures drawn once, as SVG: for tests that look at no PNG, since each takes a second to draw."""

from drift.experiments.console.files import atomic_write
from drift.experiments.figures import style


def draw(patch):
    """Leave each PNG empty as long as `patch` lasts, a pytest.MonkeyPatch."""
    save = style._save

    def saved(figure, path):
        if path.suffix == ".svg":
            save(figure, path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as new:
            new.write_bytes(b"")

    patch.setattr(style, "_save", saved)
