import html.parser

import pytest
import scored
from conftest import make_parts
from conftest import write_images

from ganad_tf.production import monitor_page
from ganad_tf.production import watching


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.sources, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.sources += [found[n] for n in ("src", "href") if n in found]

    def handle_data(self, data):
        self.text += data


def page(tmp_path, **changes):
    path = scored.write(tmp_path / "s.csv", scored.rows(**changes))
    report = tmp_path / "monitor.html"
    watched = watching.monitor_scores(path, report=str(report), window=50)
    return watched, Page(report.read_text())


def test_an_unchanged_line_needs_no_pictures(tmp_path):
    watched, shown = page(tmp_path)
    assert watched.monitored.verdict == "unchanged"
    assert "The line: unchanged" in shown.text
    assert len(shown.sources) == 1 and "began" not in shown.text


def test_the_images_that_began_it_are_shown(tmp_path):
    write_images(tmp_path, make_parts(300, seed=0))
    watched, shown = page(tmp_path, shift=8.0, folder=f"{tmp_path}/")
    assert "The line: moved" in shown.text
    assert "Images that began it" in shown.text
    assert 1 < len(shown.sources) <= 1 + monitor_page.NUM_SHOWN
    assert all(s.startswith("data:image/png") for s in shown.sources)
    assert "part150.png" in shown.text
    assert watched.monitored.onset == pytest.approx(150, abs=12)
