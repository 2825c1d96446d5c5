"""Reproduces the paper: from a trained model to a page of its figures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ganad_tf import artifacts
from ganad_tf.data.dataset import Split
from ganad_tf.evaluation import page
from ganad_tf.evaluation.assessment import open_assessor
from ganad_tf.paper.reproduction import Reproduction
from ganad_tf.paper.section import Section
from ganad_tf.score_parts import SCORE_PARTS
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism
from ganad_tf.version import versions


def reproduce_paper(
    data: str, model_dir: str, report_dir: str
) -> dict[str, dict[str, Any]]:
    """Reproduces the paper's figures 5 to 10 and tables I to III.

    Starts Keras afresh with the seed of the training run, so that equal
    models give equal numbers.

    Args:
        data: The `--data` that the GAN was trained on.
        model_dir: Folder of the trained GAN and the fitted detector.
        report_dir: Folder for `paper.html`, its pictures as PNG, and its
            numbers as `paper.json`.

    Returns:
        numbers: The content of `paper.json`: for each section its
            `agreement`, its `finding` and the numbers of that.

    Raises:
        UserError: If the model folder is incomplete, or its images are
            missing or have changed.
    """
    config = TrainingConfig.load(model_dir)
    use_determinism(config.seed)
    assessor = open_assessor(data, model_dir, seed=config.seed)
    reproduction = Reproduction(assessor, data=data, method=config.method)
    sections = []
    for section in reproduction.sections():
        sections.append(section)
        _write_picture(report_dir, section)
    text = render_page(
        sections,
        title=f"The paper's figures and tables on {data}",
        facts=[
            *_facts(data, config, assessor.split),
            reproduction.sampling,
            '"The paper\'s gradient descent" is plain gradient descent from '
            "the prior's mean through this model's generator: 100 steps at a "
            "learning rate of 10.",
            _versions(),
        ],
    )
    artifacts.write_text(os.path.join(report_dir, "paper.html"), text)
    return _write_numbers(report_dir, sections)


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


def _write_picture(report_dir: str, section: Section) -> None:
    if section.png is not None:
        path = os.path.join(report_dir, f"{section.name}.png")
        artifacts.write_bytes(path, section.png)


def _write_numbers(
    report_dir: str, sections: Sequence[Section]
) -> dict[str, dict[str, Any]]:
    numbers = {
        section.name: {
            "agreement": section.agreement,
            "finding": section.finding,
            **section.numbers,
        }
        for section in sections
    }
    artifacts.write_json(os.path.join(report_dir, "paper.json"), numbers)
    return numbers


def _facts(data: str, config: TrainingConfig, split: Split) -> list[str]:
    """The paragraphs on the paper and the data."""
    return [
        'The paper: Lai, Hu, Tsai, Chiu, "Industrial Anomaly Detection and '
        'One-class Classification using Generative Adversarial Networks", '
        "2018. Its solar and wood images are not public, so figures can agree "
        "in kind, not in value.",
        f"Data {data}, method {config.method}, seed {config.seed}, "
        f"{len(split.train)} training, {len(split.calibration)} calibration, "
        f"{len(split.test_qualified)} qualified and "
        f"{len(split.test_defective)} defective test images. Nothing was "
        "fitted to or chosen by defective or test images.",
    ]


def _versions() -> str:
    listed = (f"{name} {version}" for name, version in versions().items())
    return f"Versions: {', '.join(listed)}."
