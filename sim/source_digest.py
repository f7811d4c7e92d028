"""Identity of the programs that make a count: versions of libraries, and a digest of our sources.

Two checkouts may have one version number and other code, so that a number alone says nothing.
"""

import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = ("jax", "jaxlib", "numpy", "ml-dtypes")
"""Packages that a count rests on, beside this one."""
_PARTS = ("kernels", "sim", "experiments")
_SHOWN = 12
"""Digits of a digest that tell two trees apart."""


@cache
def version(package: str) -> str:
    """Return the version of an installed package, which is looked up once a process."""
    return metadata.version(package)


@cache
def source_digest() -> str:
    """SHA-256 of the package's Python sources, as hexadecimal digits.

    Read once a process: a tree may change afterwards, what was imported of it does not.
    """
    digest = hashlib.sha256()
    for name, path in sorted(_sources()):
        source = path.read_bytes()
        digest.update(f"{name} {len(source)}\n".encode())
        digest.update(source)
    return digest.hexdigest()


def short_digest() -> str:
    """Return the first digits of `source_digest`, which people are shown and stores keep."""
    return source_digest()[:_SHOWN]


def programs() -> dict[str, str]:
    """The version of Python and of each package that a count rests on, by name.

    That of this package names its sources too. Processes whose programs are equal count alike.
    """
    return {
        "bf16-drift": f"{version('bf16-drift')} with sources {short_digest()}",
        "python": ".".join(map(str, sys.version_info[:2])),
        **{name: version(name) for name in LIBRARIES},
    }


def _sources() -> Iterator[tuple[str, Path]]:
    """Each source file with its name, which is the same in a checkout and where it is installed."""
    package = find_spec("drift")
    assert package is not None, "this module is a part of it"
    assert package.origin is not None, "it has an __init__"
    for path in Path(package.origin).parent.glob("*.py"):
        yield path.name, path
    for part in _PARTS:
        found = find_spec(f"drift.{part}")
        assert found is not None, "all parts are installed together"
        assert found.origin is not None, "it has an __init__"
        folder = Path(found.origin).parent
        for path in folder.rglob("*.py"):
            yield f"{part}/{path.relative_to(folder).as_posix()}", path
