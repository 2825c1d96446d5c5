import io

import scored
from PIL import Image

from ganad_tf.production import appearance
from ganad_tf.production import drift_figures
from ganad_tf.production import monitor_figure
from ganad_tf.production import watching


def test_the_series_are_one_picture(tmp_path):
    path = scored.write(tmp_path / "s.csv", scored.rows(shift=5.0))
    watched = watching.monitor_scores(path)
    windows = drift_figures.windows(
        watched.images,
        num_calibration=60,
        alpha=0.05,
        size=100,
        looks=(looks := appearance.looks_of(watched.images)),
        usual_looks=looks,
    )
    png = monitor_figure.series_png(watched.monitored, windows, alpha=0.05)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.width >= 800
        assert len(picture.convert("RGB").getcolors(10**6)) > 10
