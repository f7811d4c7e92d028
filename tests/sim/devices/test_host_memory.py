"""How much memory is free: the system's, less where a control group or a limit allows less."""

import resource

import pytest

from drift.sim.devices import host_memory
from drift.sim.errors import BadInput

MIB = 1 << 20


def group(root, path, limit, used, reclaimed, version=2):
    """Write the files of a control group with a limit, in MiB where it is a number."""
    here = root / "sys/fs/cgroup" / ("memory" if version == 1 else "") / path
    here.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    (here / names[0]).write_text(f"{limit if limit == 'max' else limit * MIB}\n")
    (here / names[1]).write_text(f"{used * MIB}\n")
    (here / "memory.stat").write_text(f"anon 5\n{names[2]} {reclaimed * MIB}\n")


def free_in_groups(root, lines):
    """The MiB free in each group of a process with these lines in /proc/self/cgroup."""
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/cgroup").write_text(lines)
    return [size // MIB for size in host_memory._free_in_groups(root)]


def test_a_group_and_those_around_it_limit_memory(tmp_path):
    group(tmp_path, "user/job", "max", 10, 0)
    group(tmp_path, "user", 100, 60, 15)
    assert free_in_groups(tmp_path, "0::/user/job\n") == [55]
    group(tmp_path, "user/job", 50, 45, 0)
    assert free_in_groups(tmp_path, "0::/user/job\n") == [5, 55]


def test_the_root_of_a_container_is_its_own_group(tmp_path):
    group(tmp_path, "", 100, 90, 0)
    assert free_in_groups(tmp_path, "0::/the/path/of/the/host\n") == [10]


def test_groups_of_version_1_count(tmp_path):
    group(tmp_path, "job", 100, 90, 20, version=1)
    assert free_in_groups(tmp_path, "9:cpu,cpuacct:/\n4:memory:/job\n0::/\n") == [30]


def test_where_there_are_no_groups_nothing_limits(tmp_path):
    assert list(host_memory._free_in_groups(tmp_path)) == []
    assert free_in_groups(tmp_path, "0::/\n") == []


def test_the_smallest_counts(monkeypatch):
    plain = host_memory.free_memory()
    assert plain > MIB
    monkeypatch.setattr(host_memory, "_free_in_groups", lambda: iter([plain + MIB, MIB]))
    assert host_memory.free_memory() == MIB
    monkeypatch.setattr(host_memory, "_free_in_groups", lambda: iter([-5]))
    assert host_memory.free_memory() == 0


def test_a_limit_on_the_address_space_counts(monkeypatch):
    assert host_memory.free_address_space() is None
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1 << 62, 1 << 62))
    assert 1 << 61 < host_memory.free_address_space() < 1 << 62
    monkeypatch.setattr(resource, "getrlimit", lambda which: (4096, 4096))
    assert host_memory.free_memory() == host_memory.free_address_space() == 1


def test_what_is_not_free_is_refused(monkeypatch):
    monkeypatch.setattr(host_memory, "free_memory", lambda: 1 << 30)
    host_memory.check_memory(1 << 30, "it")
    with pytest.raises(BadInput, match=r"^it needs 2 GiB of memory; 1 GiB are free$"):
        host_memory.check_memory(1 << 31, "it")
