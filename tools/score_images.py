"""Scores images by an exported SavedModel, here or behind a server.

    python tools/score_images.py --saved_model=saved_models/solar \
        --images=/data/today --output=scores.csv --maps_dir=maps

    python tools/score_images.py --server=http://host:8501/v1/models/solar \
        --images=/data/today --output=scores.csv

writes one row an image, in sorted order; `status` is "ok" or says why an
image could not be scored. A REST server needs no TensorFlow here, a gRPC
server (grpc://host:8500/solar) the extra `serving`. An interrupted run keeps
its rows in scores.csv.part and goes on there when it is started again.
"""

import functools
import glob
import io
import os
import time

import numpy as np
from absl import flags
from absl import logging
from PIL import Image

import light_cli
from ganad_tf import artifacts
from ganad_tf import progress
from ganad_tf import score_parts
from ganad_tf.data import dataset
from ganad_tf.serving import rest_client
from ganad_tf.serving import score_table
from ganad_tf.serving import scoring

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
)
_SERVER = flags.DEFINE_string(
    "server",
    None,
    "Instead of --saved_model, TensorFlow Serving: REST at "
    "http://host:8501/v1/models/NAME, perhaps with /versions/N, or gRPC at "
    "grpc://host:8500/NAME, perhaps with /N.",
)
_MAPS_DIR = flags.DEFINE_string(
    "maps_dir",
    None,
    "Folder for a picture of each image: input, reconstruction, anomaly map; "
    "and for regions.csv: where the maps are above their threshold, in pixels "
    "of the map (a peak of 15 is 15 or more).",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Images in a request at the most.", lower_bound=1
)
_NUM_PARALLEL = flags.DEFINE_integer(
    "num_parallel", 2, "Requests at once.", lower_bound=1
)
_TIMEOUT = flags.DEFINE_float(
    "timeout", 60.0, "Seconds to wait for a server's answer.", lower_bound=0.1
)
_NUM_RETRIES = flags.DEFINE_integer(
    "num_retries",
    6,
    "How often to ask an unavailable server again, after growing pauses. The "
    "default waits for about 15 s.",
    lower_bound=0,
)


def _open_scorer(signature: str):
    """The scorer that the flags name."""
    if (_SAVED_MODEL.value is None) == (_SERVER.value is None):
        raise ValueError("Expected --saved_model or --server, one of them")
    patience = {"timeout": _TIMEOUT.value, "num_retries": _NUM_RETRIES.value}
    if _SAVED_MODEL.value:
        return _open_saved_model(_SAVED_MODEL.value)
    if _SERVER.value.startswith(("http://", "https://")):
        client = rest_client.RestClient(_SERVER.value, **patience)
    elif _SERVER.value.startswith("grpc://"):
        client = _open_grpc(_SERVER.value, patience)
    else:
        raise ValueError(
            "Invalid value for --server. Expected http://, https:// or "
            f"grpc://. Received: {_SERVER.value}"
        )
    client.check(signature)
    return client


def _open_saved_model(path: str):
    import cli  # noqa: F401, starts TensorFlow
    from ganad_tf.serving import saved_model as serving

    return serving.SavedModelScorer(path)


def _open_grpc(address: str, patience: dict):
    import cli  # noqa: F401, starts TensorFlow

    try:
        from ganad_tf.serving import grpc_client
    except ImportError as error:
        raise ValueError(
            f"grpc:// needs the extra `serving` ({error}): pip install "
            '"ganad_tf[serving]", or use http://'
        ) from error
    return grpc_client.GrpcClient(address, **patience)


def _list_files(pattern: str) -> list[str]:
    if os.path.isdir(pattern):
        return sorted(file.path for file in dataset.list_images(pattern))
    paths = sorted(path for path in glob.glob(pattern) if os.path.isfile(path))
    if not paths:
        raise FileNotFoundError(f"There is no image at --images={pattern}")
    return paths


def _row(path: str, scored: scoring.ScoredRow) -> score_table.Row:
    if isinstance(scored, str):
        return score_table.Row(path, status=scored)
    numbers = (float(scored[name]) for name in score_table.Row._fields[2:6])
    return score_table.Row(path, "", *numbers, bool(scored["is_defective"]))


def _pixels(data: bytes, mode: str, size: tuple[int, int] | None = None):
    """An image as floats in [-1, 1]."""
    with Image.open(io.BytesIO(data)) as image:
        if image.mode.startswith("I"):  # 16-bit gray
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        image = image.convert(mode)
    if size is not None:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image) / 127.5 - 1.0


def _save_map(path: str, data: bytes, scored: dict, manifest: dict) -> None:
    """Writes an image's picture, and appends its regions to the others'."""
    from ganad_tf.detector import regions  # with SciPy, for maps alone
    from ganad_tf.evaluation import map_pictures  # with Matplotlib, for maps

    reconstruction = _pixels(scored["reconstruction_png_bytes"], "RGB")
    height, width, _ = reconstruction.shape
    anomaly_map = _pixels(scored["anomaly_map_png_bytes"], "L")
    anomaly_map = (anomaly_map + 1.0) / 2.0 * score_parts.MAP_LIMIT
    threshold = manifest.get("map_threshold")
    panel = map_pictures.Panel(
        map_pictures.caption(
            os.path.basename(path),
            is_defective=scored["is_defective"],
            anomaly_score=scored["anomaly_score"],
            p_value=scored["p_value"],
        ),
        _pixels(data, "RGB", (width, height)),
        reconstruction,
        anomaly_map,
        threshold,
    )
    name = path.strip(os.sep).replace(os.sep, "_") + ".png"
    artifacts.write_bytes(
        os.path.join(_MAPS_DIR.value, name), map_pictures.panels_png([panel])
    )
    if threshold is not None:
        found = regions.find_regions(anomaly_map, threshold)
        with open(_regions_path(), "a", encoding="utf-8") as file:
            file.write(regions.to_csv([(path, found)], header=not file.tell()))


def _regions_path() -> str:
    return os.path.join(_MAPS_DIR.value, "regions.csv")


def _score(paths: list[str], scorer, signature: str, table) -> dict:
    """Rows of files by path; each chunk is in the table when it is done."""
    rows, start = {}, time.monotonic()
    manifest = getattr(scorer, "manifest", {})
    for scored in scoring.score_files(
        functools.partial(scorer.score, signature=signature),
        paths,
        batch_size=_BATCH_SIZE.value,
        num_parallel=1 if _SAVED_MODEL.value else _NUM_PARALLEL.value,
    ):
        for path, data, row in scored:
            if _MAPS_DIR.value and isinstance(row, dict):
                _save_map(path, data, row, manifest)
        found = [_row(path, row) for path, _, row in scored]
        table.append(found)
        rows |= {row.path: row for row in found}
        seconds = time.monotonic() - start
        logging.log_every_n_seconds(
            logging.INFO,
            "%s.",
            progress.INTERVAL,
            progress.progress_line(
                "Scored images", len(rows), len(paths), seconds
            ),
        )
    return rows


def main() -> None:
    paths = _list_files(_IMAGES.value)
    signature = "inspect" if _MAPS_DIR.value else "score"
    scorer = _open_scorer(signature)
    source = getattr(scorer, "url", None) or os.path.abspath(scorer.path)
    table = score_table.PartialTable(
        _OUTPUT.value, f"{source} --maps_dir={_MAPS_DIR.value}"
    )
    done = {path: table.rows[path] for path in paths if path in table.rows}
    if done:
        logging.info("%d images are scored already.", len(done))
    elif _MAPS_DIR.value and os.path.exists(_regions_path()):
        os.remove(_regions_path())
    missing = [path for path in paths if path not in done]
    logging.info("Scoring %d images by %s.", len(missing), source)
    done |= _score(missing, scorer, signature, table)
    rows = [done[path] for path in paths]
    artifacts.write_text(_OUTPUT.value, score_table.to_csv(rows))
    table.close()
    _conclude(rows)


def _conclude(rows: list[score_table.Row]) -> None:
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
    light_cli.run(main)
