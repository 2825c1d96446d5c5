import pytest

pytest.importorskip("apache_beam")

import apache_beam as beam

from ganad_tf.bulk import runners
from ganad_tf.errors import UserError


def build(pipeline):
    _ = pipeline | beam.Create([1])


def test_a_runner_that_beam_does_not_know_is_an_error():
    options = runners.runner_options(["--runner=NoRunner"])
    with pytest.raises(UserError, match="Unexpected pipeline runner: NoRun"):
        runners.run(options, build)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("Channel closed prematurely.", UserError), ("a bug", RuntimeError)],
)
def test_a_dead_worker_is_an_error_that_says_what_to_do(
    reason, kind, monkeypatch
):
    def fail(self):
        raise RuntimeError(reason)

    monkeypatch.setattr(beam.Pipeline, "run", fail)
    expected = "Run the same command" if kind is UserError else reason
    with pytest.raises(kind, match=expected):
        runners.run(
            runners.runner_options(["--runner=BundleBasedDirectRunner"]), build
        )


def test_beams_flags_go_to_beam_and_others_nowhere():
    options = runners.runner_options(["--direct_num_workers=3"])
    found = options.get_all_options()
    assert found["runner"] == "FnApiRunner"
    assert found["direct_running_mode"] == "multi_processing"
    assert found["direct_num_workers"] == 3
    with pytest.raises(UserError, match="unexpected argument '--num_shrads=3'"):
        runners.runner_options(["--num_shrads=3"])
    given = runners.runner_options(["--runner=FlinkRunner", "--flink_x=1"])
    assert given.get_all_options()["runner"] == "FlinkRunner"
