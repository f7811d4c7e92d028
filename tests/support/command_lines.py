"""Command lines that anybody might type: any options of any verb, values good, odd and hostile.

Shapes are tiny, and few, since each is compiled; what is huge is so huge that it has to be
refused before anything is made of it. The places are those of tests.support.sample_files.
"""

from hypothesis import strategies as st

LONG = "x" * 5000
ODD = ("", " ", "σ", "--", "nan", "1e-", "0x10", "1,,2", ",", ":", "1:2", LONG, "٣", "\x1b[31m")
REALS = ("0", "-0", "-1", "inf", "-inf", "1e400", "1e-400", "1e39", "1e308")
COUNTS = ("0", "-1", "1.5", "1e400", "1e19", "1e30", "9" * 5000)
RANGES = ("1,2", "1,1", "2,1", "1:8:4", "8:1:4", "1:8:1", "0:1:3", "0:8:3:lin", "1:8:1e9", "1:8:x")
RUNS, GRID = ("run.zarr", "half.zarr", "[red]σ.zarr"), "grid.zarr"
CHECKPOINTS = ("model.safetensors", "sharded")
PLACES = (*RUNS, GRID, *CHECKPOINTS, "bad.safetensors", "text", "folder", "pickle.bin", "nowhere")
PLACES += (".", "", LONG, "text/below", "s3://", "s3://KEY:SECRET@bucket/a", "/dev/null", "-x")
PLACES += ("http://K:SECRET@host/a", "run.zarr/bits", "grid.zarr/zarr.json", "\x1b[31m", "/proc/a")
FILES = [f"{name}.npy" for name in ("objects", "huge", "gone", "text", "two", "pipe", "folder")]
FORMATS = ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn", "float32")


def one(*good, odd=()):
    """Mostly one of the good ones."""
    return st.integers(0, 9).flatmap(lambda k: st.sampled_from(good if k else (*odd, *ODD)))


def several(each):
    """One, or a list, or a range."""
    lists = st.lists(each, min_size=2, max_size=3).map(",".join)
    return st.one_of(each, lists, st.sampled_from(RANGES))


def at(*good):
    """Mostly one of those places."""
    return one(*good, odd=PLACES)


real, count = one("1e-9", "1e-8", "0.37", "1", odd=REALS), one("1", "2", "4", odd=COUNTS)
steps = one("1", "4", "7", "1e1", odd=COUNTS)
tensor, near = one("lm_head.weight", "x"), one("largest", "7", "4", odd=("-1", "99"))
source, checkpoint, store = at(*RUNS, *CHECKPOINTS), at(*CHECKPOINTS), at(*RUNS, GRID)
flag = st.none()
out, json = {"--out": at("new")}, {"--json": flag}

CLOUD = {"--tokens": one("1", "20", odd=COUNTS), "--dims": one("1", "8", odd=COUNTS)}
ROWS = {"--tensor": tensor, "--near": near, "--exponents": count}
MOTION = {
    "--radius": real,
    "--direction": one("random", "diagonal", "axis", "good.npy", "centroid", odd=FILES),
    "--direction-seed": count,
    "--format": one(*FORMATS),
    "--rounding": one("nearest", "toward-zero", "stochastic"),
    "--schedule": one("constant", "linear", "cosine", "exponential"),
    "--decay": one("0.5", "0.99", "1e-300", odd=REALS),
    "--master": one("none", "float32"),
    "--jitter": one("0", "0.1", "1e-300", odd=("11", *REALS)),
    "--noise": one("0", "0.5", "1e-300", odd=("1e7", *REALS)),
    "--kahan": flag,
    "--centre": one(
        "random:0.5", "good.npy", "model.safetensors:3", odd=("random:", "x:y", *FILES)
    ),
    "--shape": one("normal", "laplace"),
    "--survivors": one("all", "1", "20", odd=("21", *COUNTS)),
}
HOW = {
    "--records": one("1", "4", odd=COUNTS),
    "--engine": one("auto", "step", "leap"),
    "--device": one("auto", "cpu", "gpu"),
    "--devices": one("1", odd=("2", "1e9", *COUNTS)),
    "--memory": one("8GiB", "1e10", odd=("0", "1", "1e400", "1e30", "-1", "1XB")),
    "--overwrite": flag,
    **json,
}
RUN = {"--at": one("0,1", "1", odd=("0,0", "9", "-1", "1e30")), "--seed": count}
RUN |= {"--snapshots": one("none", "ends", "records")}
SWEEP = {"--seed": several(count), "--seeds": count, "--retry-failed": flag, "--dry-run": flag}
SWEEP |= {"--scheduler": st.sampled_from(["", "σ", "tcp://KEY:SECRET@127.0.0.1:1"])}
LOOK = {"--snapshot": one("0", "4", odd=COUNTS), **ROWS, **json}
DRAW = {"--prediction": flag, "--no-prediction": flag, **out, **json}
FIX = {"--at": one("sigma=1e-9", "sigma=1e-8", odd=("sigma=1", "=", "steps=1,x=2"))}
PLANE = {"--x": one("sigma"), "--y": one("steps"), "--progress": one("1", "0.5", odd=REALS)}

SIGMA, STEPS = {"--sigma": real}, {"--steps": steps}
SIGMAS, STEPSES = {"--sigma": several(real)}, {"--steps": several(steps)}
MOTIONS, MANY = ({name: several(each) for name, each in some.items()} for some in (MOTION, ROWS))

TRACK = {
    "--as": one(*FORMATS),
    "--every": count,
    "--steps": one("0,4", "0:4:2:lin", odd=(*FILES, *RANGES)),
    "--rows": one("0:4", "!3", odd=("good.npy", "5:1", "99", "model.safetensors")),
    "--save-motion": at("c.npy"),
    "--overwrite": flag,
}

VERBS = {
    "run": ([], SIGMA | CLOUD | STEPS, MOTION | HOW | RUN | {"--tensor": tensor}),
    "run --from": ([checkpoint], STEPS, MOTION | ROWS | HOW),
    "sweep": ([], SIGMAS | CLOUD | STEPSES, MOTIONS | HOW | SWEEP),
    "sweep --from": ([checkpoint], STEPSES, MANY),
    "predict": ([], SIGMAS | CLOUD | STEPS, {**MOTION, **json, "--from": checkpoint}),
    "plot curves": ([store], {}, DRAW | FIX),
    "plot phase": ([at(GRID)], {}, DRAW | FIX | PLANE),
    "plot holes": ([source], {}, {**LOOK, **out, "--observed": flag}),
    "plot components": ([source], {}, LOOK | out),
    "plot cloud": ([source], {}, {**LOOK, **out, "--plane": one("0,1", "1,0", odd=("1", "0,0"))}),
    "structure": ([source], {}, LOOK),
    "scan": ([checkpoint], {}, {"--tensor": tensor, "--ids": at("new"), **json}),
    "compare": ([source, source], {}, {"--tensor": tensor, "--snapshot": one("0", "0,4"), **json}),
    "track": ([at(*RUNS, *CHECKPOINTS, *FILES)], {}, TRACK | ROWS | json),
    "plot track": ([at(*RUNS)], {}, {**out, **json, "--panels": one("phases", "x,moves")}),
    "status": ([at(GRID)], {}, json),
    "export": ([store], {}, out | json),
    "report": ([store], {}, DRAW),
    "study": ([one("--list")], {}, out | json),
    "info": ([], {}, json),
    "check": ([], {"--device": one("abacus", "tpu")}, json),
    "bench": ([], {"--only": one("x", "step,x")}, {"--quick": flag, "--tokens": count, **json}),
}
"""Of each its places, the options that it is always given, and others, with their values."""
QUICK = {verb for verb in VERBS if not verb.startswith(("run", "sweep", "plot", "report"))}


@st.composite
def lines(draw, verbs=VERBS):
    """The words of one command line; what it is to write is new, or new.zarr, or in the way."""
    verb = draw(st.sampled_from(sorted(verbs)))
    places, always, options = VERBS[verb]
    chosen = draw(st.lists(st.sampled_from(sorted(options)), max_size=3, unique=True))
    words = [*verb.split(), *map(draw, places)]
    for option, values in [*always.items(), *((each, options[each]) for each in chosen)]:
        given = draw(values)
        words += [option] if given is None else [option, given]
    if words[0] in ("run", "sweep", "track"):
        words += ["--out", draw(at("new.zarr"))]
    odd = [(), ("--colour",), ("σ",), ("--",), ("-x", "1"), ("--help",), ("--out",)]
    return [*words, *draw(st.sampled_from([()] * 40 + odd))]


_options = sorted({option for _, always, more in VERBS.values() for option in always | more})
words = st.lists(
    st.sampled_from([*sorted(VERBS), *_options, *PLACES, *ODD, *REALS, *COUNTS, *FORMATS]),
    min_size=1,
    max_size=6,
).filter(lambda words: words[0] not in ("bench", "check", "study"))
"""Words in no order. Verbs that need no more would begin their work."""
