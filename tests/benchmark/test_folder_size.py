import os

import pytest

from ganad_tf.benchmark import folder_size
from ganad_tf.benchmark import synthetic


def test_a_folder_is_read_as_the_tools_read_it(tmp_path, monkeypatch):
    gan = synthetic.build_gan(latent_dim=6, width=2)
    monkeypatch.setattr(synthetic, "build_gan", lambda: gan)
    synthetic.write_pngs(str(tmp_path), 60)
    cost = folder_size.read_folder(str(tmp_path), 2)
    assert 0 < cost.seconds["least"] <= cost.seconds["largest"]
    peaks = list(cost.peaks.values())
    # The kernel counts a process's pages to within a megabyte.
    assert len(peaks) == 4 and peaks == pytest.approx(sorted(peaks), abs=1)


def count_files(folder, num_runs):
    return os.getpid(), len(os.listdir(folder)), num_runs


def test_a_folder_is_read_in_a_new_process(monkeypatch):
    monkeypatch.setattr(folder_size, "read_folder", count_files)
    process, *found = folder_size._read_in_new_process(3, 2)
    assert process != os.getpid() and found == [3, 2]


def test_seconds_grow_with_the_number_of_images(monkeypatch):
    monkeypatch.setattr(
        folder_size,
        "_read_in_new_process",
        lambda count, _: folder_size.FolderCost(
            {"median": count / 100}, {"scan": 1.0}
        ),
    )
    figures = folder_size.measure((100, 1000), num_runs=1)
    assert figures["scoring 1000 images, s"] == {"median": 10.0}
    assert figures["peak memory, 100 images, MB"] == {"scan": 1.0}
    exponent = figures["number of images, growth exponent"]["median"]
    assert exponent == pytest.approx(1.0)
