"""The compilation cache: what it saves, where it is, and when it is refused."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from drift.sim.devices import cache

# What was compiled and what was fetched, after a run from the command line.
CODE = """
import sys
from drift.experiments.cli import main as cli
status = cli.outcome(sys.argv[1:])
from drift.sim.devices import compilation
print(compilation.compiled(), compilation.fetched())
sys.exit(status)
"""


def started(out, **environment):
    """A small drift in a process of its own."""
    command = [sys.executable, "-c", CODE, "run", "--sigma", "1e-9", "--tokens", "20"]
    command += ["--jitter", "0.1"]  # which needs JAX
    command += ["--dims", "16", "--records", "2", "--device", "cpu", "--json", "--out", str(out)]
    command += ["--engine", "step"]  # the other one compiles little
    pipe, environment = subprocess.PIPE, {**os.environ, **environment}
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def ended(child):
    """Its records, and how many programs it compiled and fetched; it said nothing on stderr."""
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    document, counted = out.splitlines()
    return json.loads(document)["records"], tuple(map(int, counted.split()))


def entries(directory):
    return sorted(directory.rglob("*-cache"))


@pytest.mark.processes
@pytest.mark.slow
def test_a_second_process_compiles_nothing_and_damage_heals(tmp_path):
    kept = tmp_path / "deep" / "cache"
    first, (compiled, fetched) = ended(started(tmp_path / "a", DRIFT_CACHE=str(kept)))
    assert compiled >= 1
    assert fetched == 0
    assert len(entries(kept)) >= 1
    assert all(stat.S_IMODE(d.stat().st_mode) == 0o700 for d in (kept, entries(kept)[0].parent))

    second, counted = ended(started(tmp_path / "b", DRIFT_CACHE=str(kept)))
    assert (second, counted) == (first, (0, compiled))

    whole = [entry.stat().st_size for entry in entries(kept)]
    for entry in entries(kept):
        os.truncate(entry, 1000)  # as a killed writer leaves it
    third, counted = ended(started(tmp_path / "c", DRIFT_CACHE=str(kept)))
    assert (third, counted) == (first, (compiled, 0))
    healed = [entry.stat().st_size for entry in entries(kept)]
    assert healed == pytest.approx(whole, rel=0.05)


@pytest.mark.processes
@pytest.mark.slow
def test_two_processes_share_it_and_off_leaves_nothing(tmp_path):
    kept, away = tmp_path / "cache", tmp_path / "home"
    pair = [started(tmp_path / name, DRIFT_CACHE=str(kept)) for name in "ab"]
    off = started(tmp_path / "c", DRIFT_CACHE="off", XDG_CACHE_HOME=str(away))
    found = [ended(child)[0] for child in (*pair, off)]
    assert found[0] == found[1] == found[2]
    assert entries(kept)
    assert not away.exists()


@pytest.fixture
def free(monkeypatch, tmp_path):
    """Neither DRIFT_CACHE nor a home of this user's is looked at."""
    monkeypatch.delenv("DRIFT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "drift" / "jax"


def test_it_is_where_the_platform_keeps_caches(free, monkeypatch, tmp_path):
    assert cache.cache_location() == cache.CacheLocation(free)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_location().directory == tmp_path / "home" / ".cache" / "drift" / "jax"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert (
        cache.cache_location().directory
        == tmp_path / "home" / "Library" / "Caches" / "drift" / "jax"
    )
    monkeypatch.setenv("DRIFT_CACHE", "~/mine")
    assert cache.cache_location().directory == tmp_path / "home" / "mine"
    monkeypatch.setenv("DRIFT_CACHE", "OFF")
    assert cache.cache_location() == cache.CacheLocation(None, "DRIFT_CACHE is OFF")
    assert not list(tmp_path.iterdir())


def others_write(directory, monkeypatch):
    directory.mkdir(parents=True)
    directory.chmod(0o770)


def others_own(directory, monkeypatch):
    directory.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: directory.stat().st_uid + 1)


def is_a_file(directory, monkeypatch):
    directory.parent.mkdir(parents=True)
    directory.touch()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(others_write, "others may write"), (others_own, "another user"), (is_a_file, "no directory")],
)
def test_a_directory_that_cannot_be_trusted_is_refused_in_one_line(
    free, monkeypatch, capsys, spoil, why
):
    spoil(free, monkeypatch)
    assert why in cache.cache_location().off
    assert why in cache.turn_on().off
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"no compilation cache at {free}" in err
    assert jax.config.jax_compilation_cache_dir is None
    assert cache.cache_location().size() == (0, 0)


def test_a_place_that_cannot_be_made_is_no_failure(free, monkeypatch, capsys):
    free.parent.touch()  # where a directory has to be
    assert "can't" in cache.turn_on().off
    assert capsys.readouterr().err == ""  # nobody asked for this one
    monkeypatch.setenv("DRIFT_CACHE", str(free))
    assert "can't" in cache.turn_on().off
    assert capsys.readouterr().err.count("\n") == 1
    assert jax.config.jax_compilation_cache_dir is None


@pytest.fixture
def users():
    """Tells JAX of a directory of the user's own."""
    yield lambda path: jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_compilation_cache_dir", None)


@pytest.mark.parametrize("where", ["of/the/user", "gs://bucket/cache"])
def test_jaxs_own_setting_stays(free, monkeypatch, users, tmp_path, where):
    monkeypatch.setenv("DRIFT_CACHE", "off")
    path = where if "://" in where else str(tmp_path / where)
    users(path)
    assert cache.turn_on() == cache.CacheLocation(Path(path), ours=False)
    assert jax.config.jax_compilation_cache_dir == path


def test_a_directory_of_the_users_own_that_is_none_is_one_line_and_not_one_for_each_program(
    free, users, capsys
):
    free.parent.mkdir(parents=True)
    free.touch()
    users(free)
    assert "can't" in cache.turn_on().off
    said = f"drift: no compilation cache at {free}: it can't be written to: File exists\n"
    assert capsys.readouterr().err == said
    assert jax.config.jax_compilation_cache_dir is None


@pytest.mark.processes
@pytest.mark.slow
def test_importing_the_library_changes_no_configuration():
    code = "import drift, jax; drift.run, drift.Drift; print(jax.config.jax_compilation_cache_dir)"
    environment = {name: text for name, text in os.environ.items() if name != "DRIFT_CACHE"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "None\n"
