"""The parts of the benchmark, and how much each measures."""

from __future__ import annotations

import dataclasses

from ganad_tf.benchmark import exported_model
from ganad_tf.benchmark import flops
from ganad_tf.benchmark import folder_size
from ganad_tf.benchmark import growth
from ganad_tf.benchmark import inversion_steps
from ganad_tf.benchmark import machine
from ganad_tf.benchmark import peers
from ganad_tf.benchmark import process_memory
from ganad_tf.benchmark import throughput
from ganad_tf.benchmark import trained_model
from ganad_tf.benchmark.load import LoadPlan
from ganad_tf.benchmark.runner import Part


@dataclasses.dataclass(frozen=True)
class Settings:
    """How much is measured."""

    num_runs: int = 5  # of which the median is taken
    num_training_steps: int = 30  # of a run
    num_growth_sizes: int = 3  # of each series
    folder_sizes: tuple[int, ...] = (1000, 10000)  # images
    num_peer_images: int = 192  # test images of the AUROCs
    num_peer_steps: int = 500  # of AnoGAN's search
    step_counts: tuple[int, ...] = inversion_steps.NUM_STEPS  # of inversion
    load: LoadPlan = LoadPlan()

    def quick(self) -> Settings:
        """Settings of a run that only shows that everything works."""
        return dataclasses.replace(
            self,
            num_runs=2,
            num_training_steps=5,
            num_growth_sizes=2,
            folder_sizes=tuple(size // 10 for size in self.folder_sizes),
            num_peer_images=8,
            num_peer_steps=20,
            step_counts=(),
            load=self.load._replace(num_requests=self.load.num_requests // 10),
        )


def list_parts(
    settings: Settings,
    *,
    score_tool: str,
    data: str | None = None,
    model_dir: str | None = None,
) -> list[Part]:
    """Lists all parts, with the reason where one cannot run here.

    Args:
        settings: `Settings`.
        score_tool: Path of `score_images.py`.
        data: The data that a model was trained on, for the parts that compare
            methods on it; None for none.
        model_dir: Folder of that trained and fitted model; None for none.
    """
    return [
        *_parts_in_memory(settings),
        *_parts_with_processes(settings, score_tool),
        *_parts_of_a_model(settings, data, model_dir),
    ]


def _parts_in_memory(settings: Settings) -> list[Part]:
    num_runs = settings.num_runs
    return [
        Part("ceilings of the machine", lambda: machine.measure(num_runs)),
        Part("operations", flops.measure),
        Part(
            "training",
            lambda: throughput.measure_training(
                num_runs=num_runs, num_steps=settings.num_training_steps
            ),
        ),
        Part(
            "inversion", lambda: throughput.measure_inversion(num_runs=num_runs)
        ),
        Part("scoring", lambda: throughput.measure_scoring(num_runs=num_runs)),
        Part(
            "growth with size, steps and latents",
            lambda: growth.measure(
                num_runs=num_runs, num_sizes=settings.num_growth_sizes
            ),
        ),
    ]


def _parts_with_processes(settings: Settings, score_tool: str) -> list[Part]:
    """Parts that measure the memory of other processes."""
    obstacle = process_memory.obstacle()
    return [
        Part(
            "exported model",
            lambda: exported_model.measure(score_tool, settings.load),
            obstacle,
        ),
        Part(
            "growth with the number of images",
            lambda: folder_size.measure(
                settings.folder_sizes, num_runs=settings.num_runs
            ),
            obstacle,
        ),
    ]


def _parts_of_a_model(
    settings: Settings, data: str | None, model_dir: str | None
) -> list[Part]:
    obstacle = trained_model.obstacle(data, model_dir)
    return [
        Part(
            "AnoGAN's search",
            lambda: peers.measure(
                trained_model.load(data, model_dir),
                num_images=settings.num_peer_images,
                num_steps=settings.num_peer_steps,
                num_runs=settings.num_runs,
            ),
            obstacle,
        ),
        Part(
            "inversion steps",
            lambda: inversion_steps.measure(
                trained_model.load(data, model_dir), settings.step_counts
            ),
            obstacle,
        ),
    ]
