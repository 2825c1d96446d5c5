"""The page that shows all sections of the reproduction."""

from __future__ import annotations

from collections.abc import Sequence

from ganad_tf.evaluation import page
from ganad_tf.paper.section import Section
from ganad_tf.score_parts import SCORE_PARTS


def render_page(
    sections: Sequence[Section], *, title: str, facts: Sequence[str]
) -> str:
    """The page of all sections, which needs no other file.

    Args:
        sections: `Section`s in the order of the page.
        title: Of the page.
        facts: Paragraphs on data, model and method.

    Returns:
        text: HTML.
    """
    return page.render(
        "paper.html",
        room="ganad_tf.paper",
        title=title,
        facts=facts,
        sections=sections,
        ours=[part.name for part in SCORE_PARTS],
    )
