import io

import numpy as np
import pytest
from conftest import make_parts
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

from ganad_tf.data.dataset import ImageFile
from ganad_tf.data.dataset import Split
from ganad_tf.evaluation import summaries


def files(part, count, defect_type="good"):
    return tuple(
        ImageFile(f"/{part}{n}.png", f"{part}{n}.png", 0, defect_type, part)
        for n in range(count)
    )


SPLIT = Split(
    train=files("train", 5),
    calibration=files("pool", 4),
    test_qualified=files("test", 3),
    test_defective=files("test", 2, "dent"),
    control=(),
    unreadable=(),
)


def recorded(folder):
    guidance = {"tensors": 0}
    return event_accumulator.EventAccumulator(
        str(folder), size_guidance=guidance
    ).Reload()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_projector_gets_a_row_and_a_thumbnail_each_image(
    tmp_path, channels
):
    rows = summaries.projected_files(SPLIT)
    assert [part for part, _ in rows].count("calibration") == 4
    latents = np.random.default_rng(0).normal(size=[14, 3])
    summaries.write_projector(
        str(tmp_path),
        latents=latents,
        images=make_parts(14, seed=0, size=24, channels=channels),
        rows=rows,
        is_defective=np.arange(14) > 11,
    )
    written = np.loadtxt(tmp_path / "latents.tsv", delimiter="\t")
    np.testing.assert_allclose(written, latents, atol=1e-4)
    metadata = (tmp_path / "metadata.tsv").read_text().splitlines()
    assert metadata[-1] == "test: dent\tdefective\ttest1.png"
    sprite = Image.open(io.BytesIO((tmp_path / "sprite.png").read_bytes()))
    assert sprite.size == (4 * summaries.THUMBNAIL_SIZE,) * 2
    assert sprite.mode == ("L" if channels == 1 else "RGB")


def test_no_name_breaks_the_rows_of_the_projector(tmp_path):
    (_, file), *_ = summaries.projected_files(SPLIT)
    odd = file._replace(name='a\tb\n"c\udcff.png', defect_type="d\te")
    summaries.write_projector(
        str(tmp_path),
        latents=np.zeros([2, 3]),
        images=make_parts(2, seed=0),
        rows=[("train", odd), ("test_defective", odd)],
        is_defective=np.zeros(2, bool),
    )
    rows = (tmp_path / "metadata.tsv").read_text().splitlines()
    assert len(rows) == 3 and {row.count("\t") for row in rows} == {2}


def test_many_images_are_thinned_out_evenly():
    many = SPLIT._replace(train=files("train", 6001))
    rows = [file for part, file in summaries.projected_files(many)]
    train = rows[: summaries.NUM_PROJECTED]
    assert train[0].name == "train0.png" and train[-1].name == "train6000.png"
