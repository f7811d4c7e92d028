"""Which versions are installed of what drift rests on."""

from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    *("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "scipy", "networkit"),
    *("zarr", "numcodecs", "matplotlib", "rich", "typer"),
)
_EXTRAS = (
    *("jax-cuda12-plugin", "jax-cuda13-plugin", "libtpu"),
    *("xarray", "s3fs", "distributed", "tokenizers"),
)
"""Told where they are installed."""
_MISSING = "not installed"


def versions(packages: tuple[str, ...] = _PACKAGES) -> dict[str, str]:
    """The installed version of each package, or "not installed"."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = _MISSING
    return found


def extras() -> dict[str, str]:
    """The versions of what need not be there and is."""
    return {name: found for name, found in versions(_EXTRAS).items() if found != _MISSING}
