import base64

import jinja2
import pytest

from ganad_tf.evaluation import page


def environment_of(monkeypatch, template):
    loader = jinja2.DictLoader({"a.html": template})
    monkeypatch.setattr(jinja2, "PackageLoader", lambda room: loader)


def test_text_is_escaped_and_pictures_lie_within(monkeypatch):
    environment_of(monkeypatch, "{{ text }}|{{ png | data_uri }}")
    text, _, uri = page.render("a.html", text="<b>", png=b"x").partition("|")
    assert text == "&lt;b&gt;"
    assert base64.b64decode(uri.partition(",")[2]) == b"x"


def test_a_name_that_nobody_gave_is_an_error(monkeypatch):
    environment_of(monkeypatch, "{{ missing }}")
    with pytest.raises(jinja2.UndefinedError, match="missing"):
        page.render("a.html")
