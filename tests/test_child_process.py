import subprocess
import sys
import time

from ganad_tf import child_process

PARENT = """
import subprocess, sys
from ganad_tf import child_process
child = subprocess.Popen(["sleep", "60"],
                         preexec_fn=child_process.end_with_parent)
print(child.pid, flush=True)
sys.stdin.read()
"""


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_ends_with_its_parent():
    assert child_process.end_with_parent.__doc__
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)
