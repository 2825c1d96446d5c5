"""Scores images by an exported SavedModel, here or behind a server.

    python tools/score_images.py --saved_model=saved_models/solar \
        --images=/data/today --output=scores.csv --maps_dir=maps

    python tools/score_images.py --server=http://host:8501/v1/models/solar \
        --images=/data/today --output=scores.csv

writes one row per image, in sorted order; `status` is "ok" or says why an
image could not be scored. A REST server needs no TensorFlow here, a gRPC
server (grpc://host:8500/solar) the extra `serving`. An interrupted run keeps
its rows in scores.csv.part; the same command resumes it.
"""

import os

from absl import flags
from absl import logging

import light_cli
from ganad_tf import staging
from ganad_tf.errors import UserError
from ganad_tf.serving import credentials
from ganad_tf.serving import model_address
from ganad_tf.serving import open_scorer
from ganad_tf.serving import score_files

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
    "the newest is taken; here or at an address such as gs://bucket/bolts.",
)
_SERVER = flags.DEFINE_string(
    "server",
    None,
    "Instead of --saved_model, TensorFlow Serving: REST at "
    "http://host:8501/v1/models/NAME, optionally with /versions/N, or gRPC at "
    "grpc://host:8500/NAME, optionally with /N; with TLS https:// or grpcs://.",
)
_MODEL_NAME = flags.DEFINE_string(
    "model_name",
    None,
    "One of several models: --server is http://host:8501 or grpc://host:8500, "
    "or --saved_model the folder of the models' folders.",
)
_BY_FOLDER = flags.DEFINE_bool(
    "by_folder",
    False,
    "The same for all models: --images is a folder with a folder for each, "
    "named as the model. Writes a table for each: scores.csv becomes "
    "scores_NAME.csv.",
)
_MAPS_DIR = flags.DEFINE_string(
    "maps_dir",
    None,
    "Folder for a picture of each image (input, reconstruction, anomaly map) "
    "and for regions.csv: the regions of the maps above their threshold, in "
    "pixels of the map (a peak of 15 means 15 or more).",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Most images in one request.", lower_bound=1
)
_NUM_PARALLEL = flags.DEFINE_integer(
    "num_parallel", 2, "Requests to a server at once.", lower_bound=1
)
_TIMEOUT = flags.DEFINE_float(
    "timeout", 60.0, "Seconds to wait for a server's answer.", lower_bound=0.1
)
_NUM_RETRIES = flags.DEFINE_integer(
    "num_retries",
    6,
    "How often a request to an unavailable server is repeated, after growing "
    "pauses. The default waits for about 15 s.",
    lower_bound=0,
)
_CREDENTIALS = (
    flags.DEFINE_string(
        "ca_file",
        None,
        "PEM file of the authorities to trust, for https:// and grpcs://. "
        "Default: those of the system.",
    ),
    flags.DEFINE_string(
        "token_file",
        None,
        "File of one line, sent to the server as Authorization: Bearer <line>.",
    ),
    flags.DEFINE_string(
        "certificate_file", None, "PEM file of this client's certificate."
    ),
    flags.DEFINE_string(
        "key_file", None, "PEM file of the key of --certificate_file."
    ),
)


def _open_scorer(name: str | None):
    """The scorer of a model; of the only one without a name."""
    if not (_SERVER.value or "").startswith("http"):
        import cli  # noqa: F401, starts TensorFlow
    saved_model, server = (
        model_address.model_address(base, name) if base and name else base
        for base in (_SAVED_MODEL.value, _SERVER.value)
    )
    return open_scorer.open_scorer(
        saved_model=saved_model,
        server=server,
        timeout=_TIMEOUT.value,
        num_retries=_NUM_RETRIES.value,
        credentials=credentials.Credentials(
            **{flag.name: flag.value for flag in _CREDENTIALS}
        ),
    )


def _open_maps(manifest: dict, name: str | None):
    if not _MAPS_DIR.value:
        return None
    folder = os.path.join(_MAPS_DIR.value, name or "")
    from ganad_tf.serving import map_folder  # loads Matplotlib and SciPy

    return map_folder.MapFolder(folder, manifest.get("map_threshold"))


def _score(paths: list[str], output: str, name: str | None) -> None:
    """Scores images by one model, and says how many are defective."""
    scorer = _open_scorer(name)
    with staging.local_file(output) as table:
        rows = score_files.score_images(
            scorer,
            paths,
            table,
            maps=_open_maps(
                scorer.manifest, name if _BY_FOLDER.value else None
            ),
            batch_size=_BATCH_SIZE.value,
            num_parallel=1 if _SAVED_MODEL.value else _NUM_PARALLEL.value,
        )
    failed = [row for row in rows if row.status != "ok"]
    for row in failed[:5]:
        logging.warning("Not scored: %s: %s.", row.path, row.status)
    print(
        f"{len(rows)} images: {sum(row.is_defective or 0 for row in rows)} "
        f"defective, {len(failed)} not scored. Scores: {output}"
    )
    if len(failed) == len(rows):
        raise UserError(f"no image could be scored, see {output}")


def main() -> None:
    paths = score_files.list_image_paths(_IMAGES.value)
    if not _BY_FOLDER.value:
        _score(paths, _OUTPUT.value, _MODEL_NAME.value)
        return
    routed = model_address.paths_by_model(paths, _IMAGES.value)
    if not routed:
        raise UserError(
            f"--by_folder: expected a folder for each model in {_IMAGES.value}"
        )
    stem, suffix = os.path.splitext(_OUTPUT.value)
    for name, of_model in routed.items():
        _score(of_model, f"{stem}_{name}{suffix}", name)


if __name__ == "__main__":
    light_cli.run(main)
