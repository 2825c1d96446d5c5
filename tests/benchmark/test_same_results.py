import json

import h5py
import numpy as np
import pytest

from ganad_tf.benchmark.same_results import differences


@pytest.fixture
def write(tmp_path):
    """Writes a folder of results; returns its path."""

    def write_results(name, *, auroc=0.9, speed=5, weight=1.0, mean=2.0):
        folder = tmp_path / name
        (folder / "logs" / "training").mkdir(parents=True)
        (folder / "logs" / "training" / f"events.{name}").touch()
        (folder / f"__autograph_generated_file{name}.py").touch()
        with h5py.File(folder / "a.weights.h5", "w") as file:
            file["layer/vars/0"] = np.float32([weight, 3])
        np.savez(folder / "statistics.npz", mean=np.array([mean]))
        results = {"auroc": auroc, "runs": [{"images_per_second": speed}]}
        (folder / "results.json").write_text(json.dumps(results))
        (folder / "report.html").write_text(f"{speed:.0f} images/s")
        return folder

    return write_results


def test_times_and_logs_are_no_results(write):
    assert differences(write("a"), write("b", speed=7)) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"weight": np.nextafter(np.float32(1), 2)}, "a.weights.h5"),
        ({"mean": np.nextafter(2.0, 3)}, "statistics.npz"),
        ({"auroc": 0.9000001}, "results.json"),
    ],
)
def test_the_last_bit_counts(write, change, path):
    expected = [f"{path}: differs"]
    assert differences(write("a"), write("b", **change)) == expected


def test_what_is_missing_left_over_or_cut_off_is_told(write):
    first, second = write("a"), write("b")
    (second / "report.html").unlink()
    (second / "logs" / ".hidden").touch()
    (second / "sub").mkdir()
    (second / "sub" / ".x.part-1").touch()
    for name in ("a.weights.h5", "statistics.npz", "results.json"):
        data = (second / name).read_bytes()
        (second / name).write_bytes(data[: len(data) // 2])
    assert differences(first, second) == [
        "a.weights.h5: differs",
        "report.html: missing",
        "results.json: differs",
        "statistics.npz: differs",
        "sub/.x.part-1: left over",
        "sub: left over",
    ]
