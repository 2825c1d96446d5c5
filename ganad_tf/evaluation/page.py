"""HTML pages that need no other file, by Jinja2 templates."""

from __future__ import annotations

import base64
from typing import Any

import jinja2

from ganad_tf.evaluation import formatting

_ROOM = "ganad_tf.evaluation"


def _data_uri(picture: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def render(template: str, *, room: str = _ROOM, **context: Any) -> str:
    """Renders a page; all text is escaped.

    Templates of this room offer the page's frame (`page.html`), its parts
    (`parts.html`) and a gallery (`gallery.html`) to the templates of others.

    Args:
        template: Name of a file in the folder `templates` of a room.
        room: Package of that room.
        **context: What the template shows.

    Returns:
        text: HTML.
    """
    environment = jinja2.Environment(
        # A room's own templates first, so that they may extend this room's.
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(room), jinja2.PackageLoader(_ROOM)]
        ),
        autoescape=True,
        # A value that is missing is an error, not an empty cell.
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "data_uri": _data_uri,
        "number": formatting.number,
        "percent": formatting.percent,
    }
    return environment.get_template(template).render(context)
