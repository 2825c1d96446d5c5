"""Makes every table and figure of the paper anew, from a trained model.

    python tools/reproduce_paper.py --data=elpv:mono --model_dir=/tmp/solar \
        --report_dir=/tmp/solar/paper

writes `paper.html`, which needs no other file, its pictures as PNG, and its
numbers as `paper.json`. Beside each figure and table stand what the paper shows
there and a sentence, made of the numbers, on what agrees and what does not.
Solar cells take about four minutes on two cores.
"""

import os
import time

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf import progress
from ganad_tf.data import dataset
from ganad_tf.evaluation import assessment
from ganad_tf.paper import reproduction as paper
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism
from ganad_tf.version import versions

_DATA = flags.DEFINE_string(
    "data", None, "The --data that the GAN was trained on.", required=True
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir",
    None,
    "Folder that train_gan.py and fit_detector.py wrote.",
    required=True,
)
_REPORT_DIR = flags.DEFINE_string(
    "report_dir", None, "Folder to write the page to.", required=True
)


def _facts(
    config: TrainingConfig, split: dataset.Split, sampling: str
) -> list[str]:
    installed = ", ".join(f"{k} {v}" for k, v in versions().items())
    return [
        'The paper: Lai, Hu, Tsai, Chiu, "Industrial Anomaly Detection and '
        'One-class Classification using Generative Adversarial Networks", '
        "2018. Its solar and wood images are not public, so figures can agree "
        "in kind, not in value.",
        f"Data {_DATA.value}, method {config.method}, seed {config.seed}, "
        f"{len(split.train)} training, {len(split.calibration)} calibration, "
        f"{len(split.test_qualified)} qualified and "
        f"{len(split.test_defective)} defective test images. Nothing was "
        "fitted or chosen by defective or by test images.",
        sampling,
        '"The paper\'s gradient descent" is plain gradient descent from the '
        "prior's mean through this model's generator, 100 steps of rate 10.",
        f"Versions: {installed}.",
    ]


def _load() -> tuple[TrainingConfig, assessment.Assessor]:
    config = TrainingConfig.load(_MODEL_DIR.value)
    use_determinism(config.seed)
    return config, assessment.open_assessor(
        _MODEL_DIR.value, data=_DATA.value, seed=config.seed
    )


def main() -> None:
    start = time.monotonic()
    config, assessor = _load()
    reproduction = paper.Reproduction(
        assessor, data=_DATA.value, method=config.method
    )
    folder, sections = _REPORT_DIR.value, []
    for section in reproduction.sections():
        sections.append(section)
        if section.png is not None:
            path = os.path.join(folder, f"{section.name}.png")
            artifacts.write_bytes(path, section.png)
    page = paper.page(
        sections,
        title=f"The paper's figures and tables on {_DATA.value}",
        facts=_facts(config, assessor.split, reproduction.sampling),
    )
    path = os.path.join(folder, "paper.html")
    artifacts.write_text(path, page)
    artifacts.write_json(
        os.path.join(folder, "paper.json"),
        {
            section.name: {
                "agreement": section.agreement,
                "finding": section.finding,
                **section.numbers,
            }
            for section in sections
        },
    )
    logging.info(
        "The page is %s (%s). Next:",
        path,
        progress.duration(time.monotonic() - start),
    )
    print(f"tensorboard --logdir={_MODEL_DIR.value}")


if __name__ == "__main__":
    cli.run(main)
