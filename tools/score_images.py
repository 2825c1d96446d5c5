"""Scores images by an exported SavedModel.

    python tools/score_images.py --saved_model=saved_models/solar \
        --images=/data/today --output=scores.csv --maps_dir=maps

writes one row an image, in sorted order; `status` is "ok" or says why an
image could not be scored. Needs the SavedModel alone, not the model folder.
"""

import glob
import os
from concurrent.futures import ThreadPoolExecutor

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf import dataset
from ganad_tf import images
from ganad_tf import report
from ganad_tf import score_table
from ganad_tf import serving

_IMAGES = flags.DEFINE_string(
    "images", None, "Image file, folder (any depth) or glob.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "CSV file to write.", required=True
)
_SAVED_MODEL = flags.DEFINE_string(
    "saved_model",
    None,
    "SavedModel: a version's folder, or the folder of the versions, of which "
    "the newest is taken.",
    required=True,
)
_MAPS_DIR = flags.DEFINE_string(
    "maps_dir",
    None,
    "Folder for a picture of each image: input, reconstruction, anomaly map.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Images at a time.", lower_bound=1
)


def _list_files(pattern: str) -> list[str]:
    if os.path.isdir(pattern):
        return sorted(file.path for file in dataset.list_images(pattern))
    paths = sorted(path for path in glob.glob(pattern) if os.path.isfile(path))
    if not paths:
        raise FileNotFoundError(f"There is no image at --images={pattern}")
    return paths


def _read(path: str) -> bytes | str:
    """The image's bytes, or the reason why it cannot be read."""
    try:
        return images.read_image_bytes(path)
    except ValueError as error:
        return str(error)


def _row(path: str, scored: dict | str) -> score_table.Row:
    if isinstance(scored, str):
        return score_table.Row(path, status=scored)
    numbers = (float(scored[name]) for name in score_table.Row._fields[2:6])
    return score_table.Row(path, "", *numbers, bool(scored["is_defective"]))


def _save_map(path: str, data: bytes, scored: dict, manifest: dict) -> None:
    decoded = images.decode_image(data, channels=3)
    picture = images.resize_image(decoded, image_size=manifest["image_size"])
    reconstruction = images.decode_image(
        scored["reconstruction_png_bytes"], channels=3
    )
    anomaly_map = images.decode_image(
        scored["anomaly_map_png_bytes"], channels=1
    )
    panel = report.Panel(
        report.caption(
            os.path.basename(path),
            is_defective=scored["is_defective"],
            anomaly_score=scored["anomaly_score"],
            p_value=scored["p_value"],
        ),
        picture.numpy(),
        reconstruction.numpy(),
        (anomaly_map[..., 0].numpy() + 1.0) / 2.0 * report.MAP_LIMIT,
        manifest.get("map_threshold"),
    )
    name = path.strip(os.sep).replace(os.sep, "_") + ".png"
    artifacts.write_bytes(
        os.path.join(_MAPS_DIR.value, name), report.panels_png([panel])
    )


def _score_chunk(scorer, paths, pool) -> list[score_table.Row]:
    contents = dict(zip(paths, pool.map(_read, paths), strict=True))
    readable = {p: c for p, c in contents.items() if isinstance(c, bytes)}
    signature = "inspect" if _MAPS_DIR.value else "score"
    scored = scorer.score(list(readable.values()), signature=signature)
    found = contents | dict(zip(readable, scored, strict=True))
    if _MAPS_DIR.value:
        for path, result in found.items():
            if isinstance(result, dict):
                _save_map(path, contents[path], result, scorer.manifest)
    return [_row(path, found[path]) for path in paths]


def main() -> None:
    paths = _list_files(_IMAGES.value)
    scorer = serving.SavedModelScorer(_SAVED_MODEL.value)
    logging.info("Scoring %d images by %s.", len(paths), scorer.path)
    rows = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), _BATCH_SIZE.value):
            chunk = paths[start : start + _BATCH_SIZE.value]
            rows += _score_chunk(scorer, chunk, pool)
            logging.log_every_n_seconds(
                logging.INFO, "%d of %d images.", 10, len(rows), len(paths)
            )
    artifacts.write_text(_OUTPUT.value, score_table.to_csv(rows))
    failed = [row for row in rows if row.status != "ok"]
    for row in failed[:5]:
        logging.warning("Not scored: %s: %s.", row.path, row.status)
    print(
        f"{len(rows)} images: {sum(row.is_defective or 0 for row in rows)} "
        f"defective, {len(failed)} not scored. Scores: {_OUTPUT.value}"
    )
    if len(failed) == len(rows):
        raise ValueError(f"no image could be scored, see {_OUTPUT.value}")


if __name__ == "__main__":
    cli.run(main)
