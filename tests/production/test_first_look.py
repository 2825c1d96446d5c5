import re

import pytest
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.data import dataset
from ganad_tf.production import first_look


@pytest.fixture(scope="module")
def looked(parts_detector, tmp_path_factory):
    """The page of 60 parts, of which 5 are scratched and nobody says so."""
    root = tmp_path_factory.mktemp("first_look")
    parts = make_parts(60, seed=31)
    parts[:5] = scratch(parts[:5])
    write_images(root / "parts", parts)
    tiny_config().save(str(root / "model"))
    files = dataset.scan_images(dataset.list_images(str(root / "parts")))
    split = dataset.Split(tuple(files[:45]), tuple(files[45:]), *[()] * 4)
    dataset.save_split(split, str(root / "model"), data="parts", seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_look, "load_detector", lambda _: parts_detector)
        page = root / "page.html"
        found = first_look.look_first(
            str(root / "parts"), str(root / "model"), str(page)
        )
    return found, page.read_text()


def test_planted_defects_come_first(looked):
    found, _ = looked
    first = [file.name for file in found.files[:6]]
    planted = {f"part{row:03d}.png" for row in range(5)}
    # 60 % of them among the first tenth are asked for.
    assert len(planted & set(first)) >= 4
    assert len(found.files) == 60 and 4 <= found.num_outliers <= 8


def test_the_page_shows_them_with_pictures(looked):
    found, text = looked
    names = re.findall(r'<li tabindex="0" data-path="([^"]*)"', text)
    assert names == [f.name for f in found.files[: first_look.MIN_SHOWN]]
    assert text.count("data:image/jpeg;base64,") == first_look.MIN_SHOWN
    assert "--exclude=marks.csv" in text
