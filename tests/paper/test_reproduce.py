import html
import json
import os
import shutil

from ganad_tf.paper.reproduce import render_page
from ganad_tf.paper.reproduce import reproduce_paper
from ganad_tf.paper.section import Section


def section(**changes):
    values = {
        "name": "table_3",
        "title": "Table <III>",
        "caption": "of <all>",
        "paper": "93 %",
        "agreement": "agrees",
        "finding": "a < b",
        "numbers": {},
    }
    return Section(**{**values, **changes})


def test_the_page_shows_every_section_beside_the_paper():
    page = render_page(
        [section(png=b"x"), section(header=("a",), rows=[("1",)])],
        title="T",
        facts=["made of <parts>"],
    )
    assert page.count("93 %") == 2 and page.count("a &lt; b") == 2
    assert page.count("<img") == 1 and page.count("<table>") == 2
    assert "<parts>" not in page and "<III>" not in page
    assert page.count("of &lt;all&gt;") == 3  # one is also the "alt"


def test_the_page_and_its_numbers_are_written(chain, product, tmp_path):
    model = shutil.copytree(chain[0], tmp_path / "model")
    numbers = reproduce_paper(product, str(model), str(tmp_path / "paper"))
    with open(tmp_path / "paper" / "paper.json") as file:
        written = json.load(file)
    assert written == json.loads(json.dumps(numbers))
    page = html.unescape((tmp_path / "paper" / "paper.html").read_text())
    for name, of_section in numbers.items():
        assert of_section["finding"] in page
        png = tmp_path / "paper" / f"{name}.png"
        assert os.path.exists(png) == (name != "table_3")
