"""The paper's tables and figures, made anew from a trained model.

Lai, Hu, Tsai, Chiu, "Industrial Anomaly Detection and One-class Classification
using Generative Adversarial Networks", 2018.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging
from sklearn.manifold import TSNE

from ganad_tf.data.dataset import ImageFile
from ganad_tf.detector.latent_statistics import LatentGaussian
from ganad_tf.evaluation import metrics as evaluation
from ganad_tf.evaluation import report
from ganad_tf.evaluation.assessment import Assessor
from ganad_tf.gan.inversion import InversionResult
from ganad_tf.paper import figures as paper_figures
from ganad_tf.paper import measures as paper_measures
from ganad_tf.paper import words as paper_words
from ganad_tf.paper.samples import Sampler
from ganad_tf.paper.samples import Samples

NUM_REFERENCE = 512  # training images that the reference is fitted to
NUM_OF_SET = 256  # images of each further set
NUM_PATH = 64  # images of an interpolation
NUM_CANDIDATES = 40  # images of which an interpolation takes the farthest two
NUM_ROWS = 4  # qualified, and as many defective, images of Fig. 9 and 10
FACTOR = 5.0  # by which defect types should lie farther out
TRAINING, HELD_OUT = "training", "held-out qualified"
GENERATED = "generated"


class Section(NamedTuple):
    """One figure or table."""

    name: str  # of its file
    title: str
    caption: str  # what is drawn or listed
    paper: str  # what the paper shows there
    agreement: str  # "agrees", "agrees in part" or "does not agree"
    finding: str  # a sentence on what agrees and what does not
    numbers: dict[str, Any]  # what the sentence was made of
    png: bytes | None = None
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def _agreement(agreeing: int, total: int) -> str:
    if agreeing == total:  # also where there is nothing to disagree
        return "agrees"
    return "agrees in part" if agreeing else "does not agree"


def _spread(files: Sequence[ImageFile], count: int) -> list[ImageFile]:
    """`count` of the files at the most, evenly spread."""
    rows = np.linspace(0, len(files) - 1, min(len(files), count))
    return [files[row] for row in rows.astype(int)]


class Reproduction:
    """Makes the sections of the page, one after the other.

    Args:
        assessor: `Assessor` of the fitted detector.
        data: What `--data` was.
        method: What `--method` was.
    """

    def __init__(self, assessor: Assessor, *, data: str, method: str):
        self.assessor = assessor
        self.data = data
        self.method = method
        self.sampler = Sampler(assessor)
        self.tiled = not assessor.detector.grid.is_whole
        self.noun = "tiles" if self.tiled else "images"
        self.gan = assessor.detector.gan
        self.seed = assessor.seed
        split = assessor.split
        self.held_out = split.calibration + split.test_qualified
        self._samples: dict[str, tuple[Samples, Samples]] = {}
        self._inversions: dict[tuple[str, str], InversionResult] = {}
        self.by_type: dict[str, list[ImageFile]] = {}
        for file in split.test_defective:
            self.by_type.setdefault(file.defect_type, []).append(file)

    def sections(self) -> Iterator[Section]:
        """Makes every section that the data allow for, and logs progress."""
        makers = [
            self.generated_samples,
            self.nearest_neighbours,
            lambda: self.interpolation(7, "qualified", self.held_out),
        ]
        defective = self.assessor.split.test_defective
        if len(defective) > 1:
            makers.append(lambda: self.interpolation(8, "defective", defective))
        makers += [
            self.reconstructions,
            lambda: self.distances(by="paper"),
            lambda: self.distances(by="detector"),
        ]
        if defective and self.assessor.split.test_qualified:
            makers.append(self.accuracies)
        for row, make in enumerate(makers):
            section = make()
            logging.info(
                "%d of %d: %s: %s.",
                row + 1,
                len(makers),
                section.title,
                section.agreement,
            )
            yield section

    @property
    def sampling(self) -> str:
        """What a sample is, in words."""
        grid, size = self.assessor.detector.grid, self.sampler.size
        if not self.tiled:
            return f"A sample is an image, judged whole at {size}x{size} px."
        return (
            f"Images of {grid.width}x{grid.height} px are judged by tiles of "
            f"{size}x{size} px, so the networks know tiles only, and a sample "
            "is one tile of an image: the one in its middle where the texture "
            "itself is shown (figures 5 to 7, generated tiles), the one whose "
            "latents are most unusual, of qualified and defective images "
            "alike, where defects are (figures 8 to 10, distances of defect "
            "types). Table III judges whole images."
        )

    def generated_samples(self) -> Section:
        """Fig. 5."""
        count = min(64, len(self.held_out)) // 8 * 8
        real = self.sampler.central(_spread(self.held_out, count))
        generated = self.sampler.generated(count)
        means = [float(pictures.mean()) for pictures in (real, generated)]
        contrasts = [
            float(pictures.std(axis=(1, 2)).mean())
            for pictures in (real, generated)
        ]
        ratio = contrasts[1] / contrasts[0]
        found = self.sampler.invert(real, "held-out", by="optimised")
        kept = 1.0 - float(np.var(real - found.reconstructions) / np.var(real))
        return Section(
            "figure_5",
            "Figure 5: generated samples",
            f"Left: {count} held-out qualified {self.noun}. Right: as many "
            "of random latents. Brightness is stretched, in both alike.",
            "Images that the generator makes of random latents look like real "
            "ones, for solar cells, wood and DAGM alike.",
            _agreement(0.9 <= ratio <= 1.1, 1),
            f"On average, generated {self.noun} have {ratio:.2f} times the "
            f"contrast of real ones, and brightness {means[1]:.2f} against "
            f"{means[0]:.2f} (of -1 to 1). Latents, once optimised, hold "
            f"{report.percent(kept)} of the variance of real {self.noun}: what "
            "they do not hold, generated ones cannot show. Whether they look "
            "real is for the eye, and for Figure 6 to say in a number.",
            {"contrast_ratio": ratio, "mean": means, "variance_held": kept},
            paper_figures.samples_png(real, generated),
        )

    def nearest_neighbours(self) -> Section:
        """Fig. 6."""
        train = self.assessor.split.train
        count = min(len(self.held_out), len(train), NUM_OF_SET)
        real = self.sampler.central(_spread(self.held_out, count))
        generated = self.sampler.generated(count)
        train = self.sampler.central(_spread(train, count))
        shares = paper_measures.nearest_neighbour_accuracy(real, generated)
        between_real = paper_measures.nearest_neighbour_accuracy(real, train)
        total = float(np.mean(shares))
        ends = evaluation.rate_ci95(round(2 * count * total), 2 * count)
        mixed = [share <= max(between_real) + 0.1 for share in shares]
        return Section(
            "figure_6",
            f"Figure 6: t-SNE of real and generated {self.noun}",
            f"Blue circles: {count} held-out qualified {self.noun}. Red "
            "crosses: as many generated ones.",
            "In image space, without PCA before, generated images (red "
            "crosses) lie among the real ones (blue circles).",
            _agreement(sum(mixed), 2),
            paper_words.neighbours(
                self.noun, shares, between_real, ends, mixed
            ),
            {
                "nearest_neighbour_accuracy": total,
                "ci95": ends,
                "of_real_and_of_generated": shares,
                "held_out_against_training": float(np.mean(between_real)),
                "num_images_each": count,
            },
            paper_figures.scatter_png(*self._places(real, generated)),
        )

    def _places(self, real: np.ndarray, generated: np.ndarray):
        """Both in the plane, by t-SNE of their pixels."""
        count = len(real)
        projection = TSNE(
            init="random",
            perplexity=min(30.0, count / 2),
            random_state=self.seed,
        )
        pixels = np.concatenate([real, generated]).reshape(2 * count, -1)
        return np.split(projection.fit_transform(pixels), 2)

    def _logits(self, images: np.ndarray) -> np.ndarray:
        logits = self.gan.discriminator(tf.constant(images), training=False)
        return logits.numpy()[:, 0]

    def interpolation(
        self, number: int, kind: str, files: Sequence[ImageFile]
    ) -> Section:
        """Fig. 7 and 8.

        Args:
            number: Of the figure.
            kind: "qualified" or "defective".
            files: Of some of them, the two that differ most are taken.
        """
        pair, ends = self._pair(kind, files)
        pictures = self._path(ends)
        scores = self._logits(pictures)
        real = self.sampler.central(_spread(self.held_out, NUM_OF_SET))
        band = tuple(
            float(end) for end in np.quantile(self._logits(real), [0.05, 0.95])
        )
        found = paper_measures.smoothness(pictures, scores)
        smooth = found.largest_step < 2.0
        convex = found.dip <= 0.1 * (band[1] - band[0])
        inside = float(np.mean((scores >= band[0]) & (scores <= band[1])))
        return Section(
            f"figure_{number}",
            f"Figure {number}: interpolation between two {kind} {self.noun}",
            f"Top: {pair[0]} and {pair[1]}, the two of "
            f"{min(len(files), NUM_CANDIDATES)} {kind} "
            f"{self.noun} that differ most. Below: {NUM_PATH} images of the "
            "straight line between their latents, the first and the last "
            "being their reconstructions.",
            f"{NUM_PATH} images on a straight line between the optimised "
            f"latents of two {kind} images change smoothly and all look like "
            "parts: the paper takes the latent space for convex.",
            _agreement(smooth + convex + (inside >= 0.5), 3),
            paper_words.interpolation(
                found,
                inside,
                convex=convex,
                linear=self.gan.linear_head is not None,
            ),
            {
                "images": list(pair),
                "largest_step_over_mean": found.largest_step,
                "path_length_over_distance": found.detour,
                "discriminator_dip": found.dip,
                "discriminator_range_of_real": band,
                "share_within_range_of_real": inside,
            },
            paper_figures.interpolation_png(
                ends, pictures, scores, found, band
            ),
        )

    def _pair(self, kind: str, files) -> tuple[tuple[str, str], np.ndarray]:
        """Names and samples of the two that differ most."""
        candidates = _spread(files, NUM_CANDIDATES)
        samples = (
            self.sampler.samples(candidates)[1].images
            if kind == "defective" and self.tiled
            else self.sampler.central(candidates)
        )
        rows = list(paper_measures.farthest_pair(samples))
        return tuple(candidates[row].name for row in rows), samples[rows]

    def _path(self, pair: np.ndarray) -> np.ndarray:
        """Images of the straight line between the latents of two samples."""
        ends = self.sampler.invert(pair, "two", by="optimised").latents
        weights = np.linspace(0.0, 1.0, NUM_PATH, dtype=np.float32)[:, None]
        path = (1.0 - weights) * ends[0] + weights * ends[1]
        return self.gan.generate(path).numpy()

    def reconstructions(self) -> Section:
        """Fig. 9 and 10."""
        per_type = -(-NUM_ROWS // max(len(self.by_type), 1))
        defective = [
            file
            for files in self.by_type.values()
            for file in _spread(files, per_type)
        ]
        pictures = self._reconstructed(
            _spread(self._held_out_test, NUM_ROWS) + defective[: 2 * NUM_ROWS]
        )
        losses = self._reconstruction_losses()
        worse = [ours > losses[HELD_OUT][1] for _, ours in losses.values()]
        return Section(
            "figures_9_10",
            "Figures 9 and 10: inputs, reconstructions, residual maps",
            f"First {NUM_ROWS} qualified test images, then defective ones of "
            "every type"
            + (
                ". The square marks the tile that the next pictures show, each "
                "with its own brightness stretched."
                if self.tiled
                else "."
            ),
            "Qualified images are reconstructed with small residuals; defects "
            "are not reconstructed and stand out in the residual map.",
            _agreement(sum(worse), len(losses) - 1),
            paper_words.reconstructions(losses, HELD_OUT, tiled=self.tiled),
            {"median_loss_by_paper_and_by_detector": losses},
            paper_figures.reconstructions_png(pictures),
        )

    @property
    def _held_out_test(self) -> tuple[ImageFile, ...]:
        """Qualified images that neither networks nor calibration have seen."""
        split = self.assessor.split
        return split.test_qualified or split.calibration

    def _reconstructed(self, files) -> list[paper_figures.Reconstructed]:
        samples = self.sampler.samples(files)[1]
        found = self.assessor.detect(files, pictures=True)
        paper, ours = (
            self.sampler.invert(samples.images, "shown", by=by).reconstructions
            for by in ("paper", "detector")
        )
        whole = self.assessor.load(files)
        return [
            paper_figures.Reconstructed(
                report.caption(
                    f"{file.name} ({file.defect_type})",
                    is_defective=found.is_defective[row],
                    anomaly_score=found.anomaly_scores[row],
                    p_value=found.p_values[row],
                ),
                samples.images[row],
                paper[row],
                ours[row],
                found.anomaly_maps[row],
                whole[row] if self.tiled else None,
                tuple(samples.corners[row]),
            )
            for row, file in enumerate(files)
        ]

    def _reconstruction_losses(self) -> dict[str, tuple[float, float]]:
        """Median loss of each set: by the paper's descent, and by ours."""
        return {
            name: tuple(
                float(np.median(self._inverted(name, by=by).losses))
                for by in ("paper", "detector")
            )
            for name in (HELD_OUT, *self.by_type)
        }

    def _samples_of(self, name: str) -> tuple[Samples, Samples]:
        """Central and most unusual samples of a set, read once."""
        if name not in self._samples:
            sets = {
                TRAINING: _spread(self.assessor.split.train, NUM_REFERENCE),
                HELD_OUT: _spread(self._held_out_test, NUM_OF_SET),
            }
            files = sets.get(name) or _spread(self.by_type[name], NUM_OF_SET)
            self._samples[name] = self.sampler.samples(files)
        return self._samples[name]

    def _inverted(
        self, name: str, *, by: str, central: bool = False
    ) -> InversionResult:
        """The inversion of a set's samples, made once."""
        central = central and self.tiled
        key = name, by, central
        if key not in self._inversions:
            images = (
                self.sampler.generated(NUM_OF_SET)
                if name == GENERATED
                else self._samples_of(name)[0 if central else 1].images
            )
            self._inversions[key] = self.sampler.invert(images, name, by=by)
        return self._inversions[key]

    def _compared(self, name: str, *, by: str, central: bool) -> np.ndarray:
        """What of a set is compared: by the paper's way, plain latents."""
        if by == "paper":
            return self._inverted(name, by=by, central=central).latents
        if name == GENERATED:
            return self.assessor.detector.generated_latents(
                NUM_OF_SET, seed=[self.seed, 1]
            ).numpy()
        return self._samples_of(name)[0 if central else 1].compared

    def _distance(self, name: str, *, by: str) -> paper_measures.SetDistance:
        """A set beside held-out qualified samples, taken in the same way."""
        central = name == GENERATED
        training, held_out, compared = (
            self._compared(part, by=by, central=central)
            for part in (TRAINING, HELD_OUT, name)
        )
        whiten = by == "detector" and self.assessor.detector.whiten
        return paper_measures.set_distance(
            name,
            LatentGaussian(whiten=whiten).fit(training),
            compared,
            held_out,
            seed=self.seed,
        )

    def distances(self, *, by: str) -> Section:
        """Tables I and II.

        Args:
            by: "paper": by its plain gradient descent; "detector": by what
                this detector compares.
        """
        found = [
            self._distance(name, by=by) for name in (GENERATED, *self.by_type)
        ]
        how = (
            "the paper's gradient descent" if by == "paper" else "this detector"
        )
        far = sum(row.ratio[0] >= FACTOR for row in found[1:])
        return Section(
            f"tables_1_2_{by}",
            f"Tables I and II: Fréchet distance by set, by {how}",
            f"Of the {self.noun} of each set, to those of "
            f"{len(self._samples_of(TRAINING)[0].images)} training images, "
            "beside as many held-out qualified ones. Each figure is the median "
            f"of {paper_measures.NUM_RESAMPLES} resamples.",
            paper_words.PAPER_TABLES,
            _agreement(far, len(found) - 1),
            paper_words.distances(found, FACTOR, by=by, tiled=self.tiled),
            {row.name: row._asdict() for row in found},
            paper_figures.distances_png(found, FACTOR),
            header=paper_words.DISTANCE_HEADER,
            rows=[paper_words.distance_row(row) for row in found],
        )

    def accuracies(self) -> Section:
        """Table III."""
        found = self.assessor.assess(data=self.data, method=self.method)
        results = found.results
        total = len(found.files)
        shares = {
            name: point["accuracy"]
            for name, point in results["methods"].items()
        }
        ends = {
            name: evaluation.rate_ci95(round(share * total), total)
            for name, share in shares.items()
        }
        others = [n for n in paper_words.PAPER_ACCURACY if n != "anomaly_score"]
        ours = shares["anomaly_score"]
        return Section(
            "table_3",
            "Table III: accuracy beside other one-class methods",
            f"Of {total} test images; the decisions of all methods are made at "
            f"a false-alarm rate of {results['alpha']:g} by the same "
            "calibration images.",
            "The paper's method is the most accurate: 93.75 % on solar cells "
            "and 92.04 % on wood, before GMM (86.33, 68.53), one-class SVM "
            "(56.96, 44.54) and LOF (46.56, 65.74). How its threshold was set "
            "is not said.",
            _agreement(sum(ours > shares[n] for n in others), len(others)),
            paper_words.accuracies(results, shares, ends, others),
            {name: [shares[name], *ends[name]] for name in shares},
            header=paper_words.ACCURACY_HEADER,
            rows=[
                paper_words.accuracy_row(results, name, ends[name])
                for name in shares
            ],
        )


def page(
    sections: Sequence[Section], *, title: str, facts: Sequence[str]
) -> str:
    """The page of all sections, which needs no other file.

    Args:
        sections: `Section`s in the order of the page.
        title: Of the page.
        facts: What the page was made of; a paragraph each.

    Returns:
        text: HTML.
    """
    overview = report.table_html(
        ("figure or table", "with the paper"),
        [(section.title, section.agreement) for section in sections],
    )
    parts = [f"<h1>{html.escape(title)}</h1>"]
    parts += [f'<p class="note">{html.escape(fact)}</p>' for fact in facts]
    parts.append(overview)
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        if section.png is not None:
            parts.append(report.image_html(section.png, section.caption))
        else:
            parts.append(f'<p class="note">{html.escape(section.caption)}</p>')
        if section.rows:
            parts.append(report.table_html(section.header, section.rows))
        parts.append(f"<p><b>The paper.</b> {html.escape(section.paper)}</p>")
        parts.append(
            f"<p><b>Here: {section.agreement}.</b> "
            f"{html.escape(section.finding)}</p>"
        )
    return report.page_html(title, parts)
