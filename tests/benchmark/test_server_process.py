import time

import pytest

from ganad_tf.benchmark import server_process


def test_versions_appear_while_the_server_runs(exported):
    with server_process.start(exported) as server:
        assert server.version() == 1
        assert 0 < server.present_megabytes() <= server.peak_megabytes()
        server.publish()
        deadline = time.monotonic() + 60
        while server.version() == 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert server.version() == 2
    with pytest.raises(OSError):
        server.version()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)
def test_a_server_that_does_not_start_is_an_error(tmp_path):
    with (
        pytest.raises(RuntimeError, match="did not start"),
        server_process.start(str(tmp_path / "nothing")),
    ):
        pass
