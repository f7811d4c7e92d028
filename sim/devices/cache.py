"""The directory that keeps compiled programs: JAX's persistent cache, privately.

directory   ~/.cache/drift/jax, under XDG_CACHE_HOME where that is set,
            ~/Library/Caches/drift/jax on macOS; DRIFT_CACHE names another one,
            or is "off"
trusted     ours, and nobody else may write to it: what is in it will be executed
entry       one compiled program

Only `turn_on` changes JAX's configuration. The command line calls it; an importer of the
library is left alone. A JAX_COMPILATION_CACHE_DIR of the user's own stays as it is. No
failure here stops a run: it then compiles, as without a cache.
"""

import hashlib
import os
import platform
import re
import stat
import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

OFF = ("off", "no", "false", "0")
_DAMAGED = re.compile(r"Error (?:read|writ)ing persistent compilation cache entry for\s+'([^']+)'")
# Every kernel is worth keeping. XLA's own caches hold nothing of ours, and their
# paths would become part of what names an entry.
_SETTINGS = {
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_persistent_cache_enable_xla_caches": "none",
}


@dataclass(frozen=True)
class CacheLocation:
    """The directory of the cache, or why there is none."""

    directory: Path | None
    """the directory; None where none can be named"""
    off: str = ""
    """why the cache is off; empty where it is on"""
    ours: bool = True
    """true where JAX is still to be told of it; false where the user told JAX"""

    def size(self) -> tuple[int, int]:
        """Return how many entries the cache holds, and their bytes."""
        entries = self.directory.rglob("*-cache") if self.directory and not self.off else ()
        sizes = [entry.stat().st_size for entry in entries]
        return len(sizes), sum(sizes)


def cache_location() -> CacheLocation:
    """Return where `turn_on` would put the cache now; touch nothing."""
    import jax

    config: Any = jax.config  # which does not name its options to the type checker
    if not config.jax_enable_compilation_cache:
        return CacheLocation(None, "JAX_ENABLE_COMPILATION_CACHE is off")
    if config.jax_compilation_cache_dir is not None:
        return CacheLocation(Path(config.jax_compilation_cache_dir), ours=False)
    named = os.environ.get("DRIFT_CACHE", "")
    if named.lower() in OFF:
        return CacheLocation(None, f"DRIFT_CACHE is {named}")
    try:
        directory = Path(named).expanduser().absolute() if named else _usual()
    except RuntimeError as error:  # no home
        return CacheLocation(None, str(error))
    return CacheLocation(directory, _distrusted(directory))


def turn_on() -> CacheLocation:
    """Keep compiled programs from now on; call before anything is compiled.

    Says in one line on stderr where a directory can't be trusted, or can't be
    written to though a variable names it.
    """
    import jax

    found = cache_location()
    if found.directory is None or ":/" in str(found.directory):
        return found
    here = found.directory / _machine() if found.ours else found.directory
    off = found.off or _unwritable(here, found)
    if off:
        if os.environ.get("DRIFT_CACHE") or not found.ours or found.directory.exists():
            print(f"drift: no compilation cache at {found.directory}: {off}", file=sys.stderr)
        jax.config.update("jax_compilation_cache_dir", None)
        return replace(found, off=off)
    if found.ours:
        jax.config.update("jax_compilation_cache_dir", str(here))
        for name, value in _SETTINGS.items():
            if name.upper() not in os.environ:
                jax.config.update(name, value)
    _heal(here)
    return found


def _unwritable(here: Path, found: CacheLocation) -> str:
    """Return why nothing can be kept in the directory `here`, which is made; empty where it can."""
    try:
        here.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Another process may have been quicker.
        if found.ours and found.directory and (off := _distrusted(found.directory)):
            return off
        here.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=here):
            return ""
    except OSError as error:
        return f"it can't be written to: {error.strerror}"


def _usual() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "drift" / "jax"
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification: a relative path is to be ignored.
    return (base if base.is_absolute() else Path.home() / ".cache") / "drift" / "jax"


def _distrusted(directory: Path) -> str:
    """Return why a directory, if it is there, must not be used; empty if nothing is wrong."""
    try:
        found = directory.stat()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"it can't be looked at: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return "it is no directory"
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it; remove it"
    return ""


def _machine() -> str:
    """Return a name of the CPU that code is compiled for, of which JAX's key misses a part.

    Homes are shared between machines: instruction sets differ, and the number of
    usable cores is compiled in too.
    """
    usable = getattr(os, "sched_getaffinity", None)
    facts = [platform.machine(), str(len(usable(0)) if usable else os.cpu_count())]
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
        facts += [line for line in first if line.startswith(("model name", "flags", "Features"))]
    except OSError:
        facts.append(platform.processor())
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def _heal(directory: Path) -> None:
    """Remove entries that JAX could not read, without its warnings.

    JAX writes in place: a process that is killed while writing, or has a full disk,
    leaves a part of an entry, which JAX warns of, compiles anew and never replaces.
    """
    usual = warnings.showwarning

    def show(message: Warning | str, *where: Any, **more: Any) -> None:
        damaged = _DAMAGED.search(str(message))
        if damaged is None:
            return usual(message, *where, **more)
        for entry in directory.glob(f"{damaged[1]}-*-cache"):
            entry.unlink(missing_ok=True)

    warnings.showwarning = show
