"""What one TensorFlow Serving needs to serve all models of a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ganad_tf import artifacts
from ganad_tf.errors import UserError
from ganad_tf.model_versions import is_version

_ENTRY = """\
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
"""
_MONITORING = """\
prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }
"""
_COMPOSE = """\
# docker compose -f docker-compose.yml up
services:
  serving:
    image: tensorflow/serving:latest
    ports:
      - "8500:8500" # gRPC
      - "8501:8501" # REST
    volumes:
      - .:/models:ro
    command:
      - --model_config_file=/models/models.config
      - --model_config_file_poll_wait_seconds=60
      - --monitoring_config_file=/models/monitoring.config
    restart: unless-stopped
"""


def served_models(export_dir: str) -> list[str]:
    """Folders of models that have a version.

    Args:
        export_dir: A folder with a folder of versions for each model.

    Returns:
        names: In order.
    """
    return sorted(
        name
        for name in os.listdir(export_dir)
        if any(
            is_version(version)
            for version in _names(os.path.join(export_dir, name))
        )
    )


def _names(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def models_config(names: Sequence[str]) -> str:
    """The text of `models.config`.

    Args:
        names: Of the models, each with a folder in `/models`.

    Returns:
        text: A `ModelServerConfig` in text format.

    Raises:
        UserError: If a name cannot stand in an address.
    """
    for name in names:
        if not name.replace("-", "_").replace(".", "_").isidentifier() or (
            not name.isascii()
        ):
            raise UserError(
                f"{name!r} cannot be a model's name. Expected a folder named "
                "by letters, digits, '_', '-' and '.', a letter first"
            )
    entries = "".join(_ENTRY.format(name=name) for name in names)
    return f"model_config_list {{\n{entries}}}\n"


def write_serving_files(export_dir: str) -> list[str]:
    """Writes `models.config`, `monitoring.config` and `docker-compose.yml`.

    Args:
        export_dir: As of `served_models`; files of these names are replaced.

    Returns:
        names: Of the models that are served.

    Raises:
        UserError: If a name cannot stand in an address.
    """
    names = served_models(export_dir)
    for name, text in (
        ("models.config", models_config(names)),
        ("monitoring.config", _MONITORING),
        ("docker-compose.yml", _COMPOSE),
    ):
        artifacts.write_text(os.path.join(export_dir, name), text)
    return names
