import os
import signal

from tool_runner import TOOLS

from ganad_tf.benchmark import tool_process


def start(folder, *flags, tool="print_results", **more):
    outputs = (str(folder / "out"), str(folder / "err"))
    arguments = [str(TOOLS / f"{tool}.py"), *flags]
    process = tool_process.start(arguments, outputs=outputs, **more)
    process.join()
    return process.exitcode


def print_temporary():
    import tempfile

    print(tempfile.gettempdir(), os.environ["TMPDIR"])


def end():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_tool_gets_flags_and_a_folder(tmp_path):
    code = start(
        tmp_path,
        "--results=nowhere",
        prepare=print_temporary,
        temporary=str(tmp_path),
    )
    assert code == 1
    assert (tmp_path / "out").read_text().split() == [str(tmp_path)] * 2
    assert "print_results.py: error: " in (tmp_path / "err").read_text()


def test_a_signal_is_seen(tmp_path):
    assert start(tmp_path, prepare=end) == -signal.SIGKILL
