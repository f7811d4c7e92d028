"""Which processes are known to be no more."""

import os
import subprocess
import sys

from sim import processes


def test_a_process_is_gone_once_it_has_ended_and_not_before():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = processes.identity(child.pid)
    assert not processes.gone(known)
    assert processes.gone(known | {"began": "another one of that number"})
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, its number still kept
    assert processes.gone(known)
    child.wait()
    assert processes.gone(known)


def test_nothing_is_known_of_others():
    mine = processes.identity()
    assert mine["pid"] == os.getpid()
    assert not processes.gone(mine)
    gone = mine | {"pid": 2**22 + 1, "began": ""}  # more than there are numbers
    assert processes.gone(gone)
    for where in ("elsewhere", "", None):
        assert not processes.gone(gone | {"where": where})
    for pid in (-1, 0, "1", None, 2**70, 1.5):
        assert not processes.gone(gone | {"pid": pid})
    assert not processes.gone({})
