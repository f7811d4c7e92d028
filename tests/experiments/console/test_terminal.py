"""Bad days of shells: each gets its work done, or one clear line; nothing steers a terminal."""

import io
import json
import os
import pty
import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import pytest

from drift.experiments.cli import main
from drift.experiments.console import terminal
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from tests.support.run_cli import drift

PROGRAM = [sys.executable, "-c", "from drift.experiments.cli.main import main; main()"]
RUN = ["run", "--sigma", "1e-8", "--tokens", "20", "--dims", "8", "--steps", "4", "--device", "cpu"]
PREDICT = ["predict", "--sigma", "1e-9,1e-8", "--tokens", "20", "--dims", "8", "--steps", "4"]
SMALL = Drift(sigma=1e-8, tokens=20, dims=8, steps=4)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("shell") / "a.zarr"
    run.run(SMALL, path, on="cpu")
    return path


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    path = tmp_path_factory.mktemp("shell") / "grid.zarr"
    assert (
        main.outcome(
            ["sweep", "--sigma", "1e-9,1e-8", *RUN[3:-4], "--steps", "1,2", "--out", str(path)]
        )
        == 0
    )
    return path


@pytest.fixture
def left():
    """The end of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@contextmanager
def into(monkeypatch, descriptor, encoding="utf-8"):
    """Lead stdout and stderr there, as `main` would have them."""
    with monkeypatch.context() as patch:
        for name, kind in (("stdout", terminal._Output), ("stderr", terminal._Remarks)):
            how = {"errors": terminal.ASCII_SPELLING, "line_buffering": name == "stderr"}
            # Of its own, since what is lost is led nowhere.
            raw = io.BufferedWriter(io.FileIO(os.dup(descriptor), "w"))
            patch.setattr(sys, name, kind(raw, encoding, **how))
        yield
        sys.stdout.close()
        sys.stderr.close()


VERBS = {
    "run": [*RUN, "--out", "b.zarr"],
    "sweep": ["sweep", "--sigma", "1e-9,1e-8", *RUN[3:], "--out", "c.zarr"],
    "predict": PREDICT,
    "structure": ["structure", "STORE"],
    "compare": ["compare", "STORE", "STORE"],
    "export": ["export", "STORE"],
    "report": ["report", "STORE", "-o", "d.html"],
    "plot": ["plot", "curves", "STORE", "--out", "e"],
    "status": ["status", "GRID"],
    "info": ["info"],
    "study": ["study", "--list"],
    "help": ["--help"],
    "bad": ["fly"],
}
WRITTEN = {
    "run": "b.zarr/zarr.json",
    "sweep": "c.zarr/zarr.json",
    "report": "d.html",
    "plot": "e.svg",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", VERBS)
def test_a_pipe_that_is_left_ends_no_work(store, grid, in_tmp, left, monkeypatch, name):
    names = {"STORE": str(store), "GRID": str(grid)}
    with into(monkeypatch, left):
        status = main.outcome([names.get(word, word) for word in VERBS[name]])
    assert status == (2 if name == "bad" else 141)
    if name in WRITTEN:
        assert (in_tmp / WRITTEN[name]).exists()
    if name == "run":
        assert RunStore("b.zarr").complete


@pytest.mark.processes
@pytest.mark.slow
def test_a_run_both_of_whose_streams_are_left_finishes(in_tmp, left):
    done = subprocess.run([*PROGRAM, *RUN, "--out", "a.zarr"], stdout=left, stderr=left)
    assert done.returncode == 141
    assert RunStore("a.zarr").complete


@pytest.mark.processes
@pytest.mark.slow
def test_without_any_stream_a_run_finishes_and_its_store_is_whole(store, in_tmp):
    line = '"$0" "$@" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", line, *PROGRAM, *RUN, "--out", "a.zarr"])
    assert done.returncode == 0
    assert [c.as_json() for c in RunStore("a.zarr").records()] == [
        c.as_json() for c in RunStore(store).records()
    ]


@pytest.mark.processes
@pytest.mark.slow
def test_a_disk_that_is_full_where_stdout_goes_gets_a_line(in_tmp):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*PROGRAM, "study", "--list"], stdout=full, stderr=subprocess.PIPE)
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
        assert b"can't be written: No space left on device" in done.stderr
        # Where that line goes nowhere too, the status is all there is.
        assert subprocess.run([*PROGRAM, "fly"], stderr=full).returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1251", "utf-8"])
def test_letters_that_an_encoding_lacks_are_spelled(in_tmp, monkeypatch, encoding):
    out = in_tmp / "☃\udcff[red].zarr"
    with open("said", "wb") as file, into(monkeypatch, file.fileno(), encoding):
        for words in (PREDICT, [*RUN, "--out", str(out)], [*RUN, "--out", str(out)], ["--help"]):
            main.outcome(words)
    said = (in_tmp / "said").read_bytes().decode(encoding)
    sigma, times = ("σ", "×") if encoding == "utf-8" else ("sigma", "x")
    times = "×" if encoding == "latin-1" else times
    assert f"20 tokens {times} 8 dims in bfloat16, {sigma} = 1e-09 " in said
    head, *rows = [row for row in said.splitlines() if row.strip(" |")[:5] in ("1e-09", "1e-08")]
    assert len(rows) == 1
    header = next(row for row in said.splitlines() if "black holes" in row)
    assert len(header) == len(head)  # what is longer was spelled before it was laid out
    snow = "☃" if encoding == "utf-8" else "\\u2603"
    assert f"{snow}\\udcff[red].zarr\n" in said
    assert (
        f"{snow}\\udcff[red].zarr is complete, so that nothing is done; --overwrite runs it again"
        in said
    )
    assert RunStore(out).complete


def test_json_is_ascii_whatever_the_names(in_tmp, capsys):
    (in_tmp / "σ☃").mkdir()
    out = drift(capsys, *RUN, "--out", "σ☃/a.zarr", "--json")[1]
    assert out.isascii()
    assert json.loads(out)["store"] == "σ☃/a.zarr"


@pytest.mark.parametrize("columns", ["0", "1", "20", "80", "99999", "many"])
def test_no_number_is_cut_off_however_narrow_it_is(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    out = drift(capsys, *PREDICT)[1]
    rows = [line.split() for line in out.splitlines() if line.split()[:1] in (["1e-09"], ["1e-08"])]
    assert [len(row) for row in rows] == [10, 10]
    assert "…" not in "".join(out.splitlines()[1:])


@pytest.mark.processes
@pytest.mark.parametrize("columns", ["0", "1", "20"])
def test_a_help_page_is_never_empty(columns):
    environment = {**os.environ, "COLUMNS": columns}
    done = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, env=environment)
    assert "Move one cloud and" in done.stdout


def on_a_terminal(words):
    """What a verb writes on a terminal without a name."""
    kept = {name: value for name, value in os.environ.items() if name != "TERM"}
    ours, theirs = pty.openpty()
    child = subprocess.Popen([*PROGRAM, *words], stdout=theirs, stderr=theirs, env=kept)
    os.close(theirs)
    written = b""
    try:
        while some := os.read(ours, 1 << 16):
            written += some
    except OSError:  # it is closed at the other end
        pass
    os.close(ours)
    assert child.wait() == 0
    return written.decode()


@pytest.mark.processes
@pytest.mark.slow
def test_a_terminal_that_knows_no_codes_gets_none(in_tmp):
    out = on_a_terminal([*RUN, "--out", "a.zarr"])
    assert "store: a.zarr" in out
    assert "\x1b" not in out


def test_colours_are_left_out_where_nobody_wants_them(monkeypatch, capsys):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    assert "\x1b" not in drift(capsys, *PREDICT)[1]  # to a file, or a pipe
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    for words in (PREDICT, ["--help"]):
        out = drift(capsys, *words)[1]
        assert "\x1b[1m" in out  # bold is none
        assert "\x1b[3" not in out


@pytest.mark.processes
@pytest.mark.slow
def test_no_home_costs_a_line_at_most(store, in_tmp):
    home = {"HOME": "/proc/none", "XDG_CACHE_HOME": "", "MPLCONFIGDIR": "/dev/null/x"}
    words = ["plot", "curves", str(store), "--out", "a"]
    loading = ["run", "--sigma", "1", "--tokens", "9", "--dims", "8", "--jitter", "0.1"]
    loading += ["--steps", "4", "--json", "--out", "b", "--overwrite"]
    for cache, line in (
        ("/dev/null/cache", "drift: no compilation cache at /dev/null/cache: it can't be"),
        ("", ""),
    ):
        environment = {**os.environ, **home, "DRIFT_CACHE": cache}
        run = partial(subprocess.run, capture_output=True, text=True, env=environment)
        if cache:  # figures ask for none
            done = run([*PROGRAM, *words])
            assert (done.returncode, done.stdout) == (0, "figure: a.png\nfigure: a.svg\n")
            assert done.stderr == ""
        done = run([*PROGRAM, *loading])  # JAX, that is
        assert done.returncode == 0
        assert done.stderr.startswith(line)
        assert done.stderr.count("\n") == bool(line)


@pytest.mark.slow
def test_a_working_directory_that_is_gone_gets_a_line(store, tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for words in (RUN, ["info"], ["report", str(store), "-o", "a.html"]):
        assert drift(capsys, *words) == (
            *(2, "", "drift: the working directory is gone; go to one that is there\n"),
        )
    assert drift(capsys, *RUN, "--out", str(tmp_path / "a.zarr"))[0] == 0
    assert drift(capsys, *PREDICT)[0] == 0


ODD = {
    "a b.zarr": "a b.zarr",
    "σ-моя–雲.zarr": "σ-моя–雲.zarr",
    "[red]x[/red] [/nope] :smile: \\[b].zarr": "[red]x[/red] [/nope] :smile: \\[b].zarr",
    "-dash.zarr": "-dash.zarr",
    "new\nline.zarr": "new\\nline.zarr",
    "osc\x1b]0;pwn\x07\x9b31m.zarr": "osc\\x1b]0;pwn\\x07\\x9b31m.zarr",
    'it\'s "q" `x` %s {0}.zarr': 'it\'s "q" `x` %s {0}.zarr',
}


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_shown_as_they_are(store, in_tmp, capsys, name):
    os.makedirs(os.path.dirname(f"./{name}"), exist_ok=True)
    os.symlink(store, name)
    shown = ODD[name]
    for words, said in (
        (["structure", "--", name], f"{shown}, step 4\n20 tokens in"),
        (["compare", "--", name, name], f"A  {shown}, step 4\nB  {shown}, step 4\n"),
        (["export", f"--out={name}.csv", "--", name], f"5 lines: {shown}.csv\n"),
    ):
        status, out, err = drift(capsys, *words)
        assert (status, err) == (0, "")
        assert said in out
        assert out.replace("\n", "").isprintable()
    status, out, err = drift(capsys, *RUN, f"--out={name}")
    assert status == 0
    there = shown.replace("\\n", " ")
    assert err.startswith(f"drift: {there} is complete, so that nothing is done; --overwrite runs")


@pytest.mark.slow
def test_so_are_they_by_those_that_draw(svg_only, store, grid, in_tmp, capsys):
    name = "-[b]σ\x1b]0;pwn\x07 \udcff$x^{é.zarr"
    shown = "-[b]σ\\x1b]0;pwn\\x07 \\udcff$x^{é"
    os.symlink(store, name)
    os.symlink(grid, f"s{name}")
    for words, said in (
        (["plot", "curves", "--", name, str(store)], f"figure: {shown}-curves.png\n"),
        (["plot", "holes", "--", name, f"./{name}"], f"figure: {shown}-holes.svg\n"),
        (["plot", "phase", "--", f"s{name}"], f"figure: s{shown}-phase.svg\n"),
        (["report", "--", name], f"page: {shown}-report.html\n"),
        (["report", f"--out={name}.html", "--", f"s{name}"], f"page: {shown}.zarr.html\n"),
        (["status", "--", f"s{name}"], "2 sigma × 2 steps: 4 grid points\n"),
    ):
        status, out, err = drift(capsys, *words)
        assert (status, err) == (0, "")
        assert said in out
        assert out.replace("\n", "").isprintable()
