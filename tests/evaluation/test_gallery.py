import numpy as np
import pytest
from chromium import evaluate
from chromium import needs_chromium
from conftest import make_parts

from ganad_tf.data import marks
from ganad_tf.evaluation import gallery
from ganad_tf.evaluation import page
from ganad_tf.evaluation.map_pictures import Panel
from ganad_tf.evaluation.map_pictures import strip_jpeg

PART = make_parts(1, seed=0)[0]
JPEG = strip_jpeg(Panel("", PART, PART, np.ones([32, 32]), 2.0), size=32)
SHOWN = """
const names = () => [...document.querySelectorAll("#gallery li")]
  .filter((item) => item.checkVisibility()).map((item) => item.dataset.path);
const set = (name, value) => {
  const field = document.getElementById(name);
  field.value = value; field.dispatchEvent(new Event("input"));
};
const press = (key) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const viewer = document.getElementById("viewer");
"""


def entry(path, score, kind, decision):
    return gallery.Entry(path, kind, decision, score, 0.5, "Why.", JPEG)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    entries = [
        entry("test/dent/a, <1>.png", 9.0, "dent", "defective"),
        entry("test/good/b.png", 3.0, "good", "defective"),
        entry("test/dent/c.png", 2.0, "dent", "qualified"),
        entry("test/good/d.png", 10.0, "good", "qualified"),
    ]
    html = page.render(
        "first_look.html",
        room="ganad_tf.production",
        title="parts",
        entries=entries,
        num_images=4,
        num_outliers=0,
    )
    path = tmp_path_factory.mktemp("gallery") / "page.html"
    path.write_text(html)
    return path


@needs_chromium
def test_images_are_sorted_and_filtered(shown):
    found = evaluate(
        shown,
        SHOWN
        + """
        const said = [names()];
        set("sort", "-score"); said.push(names());
        set("type", "dent"); said.push(names());
        set("decision", "qualified"); said.push(names());
        set("type", ""); set("decision", ""); set("folder", "test/good");
        set("sort", "path"); said.push(names());
        set("folder", ""); set("search", "C.PNG"); said.push(names());
        said.push(document.getElementById("count").value);
        return said;
        """,
    )
    a, b, c, d = (
        *("test/dent/a, <1>.png", "test/good/b.png"),
        *("test/dent/c.png", "test/good/d.png"),
    )
    assert found == [
        *([d, a, b, c], [c, b, a, d], [c, a], [c], [b, d], [c]),
        "1 of 4 images, 0 marked",
    ]


@needs_chromium
def test_marks_are_downloaded_as_the_tools_read_them(shown, tmp_path):
    text = evaluate(
        shown,
        SHOWN
        + """
        let blob;
        URL.createObjectURL = (given) => { blob = given; return "#"; };
        const item = (path) => [...document.querySelectorAll("#gallery li")]
          .find((one) => one.dataset.path.startsWith(path));
        const button = (path, mark) =>
          item(path).querySelector(`[data-mark=${mark}]`);
        button("test/dent/a", "good").click();
        button("test/good/d", "missed").click();
        button("test/good/b", "good").click();
        button("test/good/b", "missed").click();
        button("test/dent/c", "good").click();
        button("test/dent/c", "good").click();
        document.getElementById("download").click();
        return await blob.text();
        """,
    )
    path = tmp_path / "marks.csv"
    path.write_text(text)
    assert marks.read_marks(str(path)) == {
        "test/dent/a, <1>.png": "good",
        "test/good/d.png": "missed",
        "test/good/b.png": "missed",
    }


@needs_chromium
def test_everything_works_by_keyboard(shown):
    found = evaluate(
        shown,
        SHOWN
        + """
        const said = [];
        document.querySelector("#gallery li").focus();
        press("ArrowRight"); press("m");
        said.push(document.activeElement.dataset.path);
        said.push(document.activeElement
          .querySelector("[data-mark=missed]").ariaPressed);
        press("Enter"); said.push(viewer.open);
        press("ArrowRight"); said.push(viewer.querySelector("p").textContent);
        press("g"); viewer.close();
        await new Promise((done) => setTimeout(done, 50));
        said.push(document.activeElement.dataset.path);
        said.push(document.getElementById("count").value);
        return said;
        """,
    )
    assert found == [
        *("test/dent/a, <1>.png", "true", True, "test/good/b.png: Why."),
        *("test/good/b.png", "4 of 4 images, 2 marked"),
    ]


@needs_chromium
def test_the_page_fits_a_phone(shown):
    widest = "return [document.documentElement.scrollWidth, innerWidth];"
    content, screen = evaluate(shown, widest, width=390)
    assert content <= screen


def test_the_page_needs_no_network(shown):
    text = shown.read_text()
    assert "http" not in text.replace("<!doctype html>", "")
    assert "&lt;1&gt;" in text and 'data-folder="test/dent"' in text
