"""Many products: a model for each folder, in one command that resumes."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import NamedTuple

from absl import logging

from ganad_tf import artifacts
from ganad_tf.data.listing import list_images
from ganad_tf.errors import UserError
from ganad_tf.evaluation import formatting
from ganad_tf.model_versions import next_version
from ganad_tf.production import serving_files

DONE_NAME = "product.json"
# Entry of a product whose export has begun: the version it will have.
_EXPORTING = "exporting"
_HEADER = ("product", "training images", "AUROC", "overkill", "escape", "state")
# Runs a tool with arguments, and raises `UserError` if it fails.
Run = Callable[..., None]


class Product(NamedTuple):
    """One product and where its model goes."""

    name: str  # of its folder and of its model
    data: str
    model_dir: str
    export_dir: str  # of its versions


def list_products(
    folder: str, *, model_dir: str, export_dir: str
) -> list[Product]:
    """One product for each folder of images.

    Args:
        folder: A folder of such folders, each as `--data` takes it.
        model_dir: Folder for a model folder of each.
        export_dir: Folder for a folder of versions of each.

    Returns:
        products: In the order of their names.

    Raises:
        UserError: If there is none, or a name cannot be a model's name.
    """
    names = sorted(
        name
        for name in (os.listdir(folder) if os.path.isdir(folder) else ())
        if os.path.isdir(os.path.join(folder, name))
        and not name.startswith(".")
    )
    if not names:
        raise UserError(
            f"There is no product in {folder!r}. Expected a folder with a "
            "folder of images for each product"
        )
    serving_files.models_config(names)  # checks them
    return [
        Product(
            name,
            *(os.path.join(at, name) for at in (folder, model_dir, export_dir)),
        )
        for name in names
    ]


def train_products(
    products: Sequence[Product],
    run: Run,
    *,
    num_parallel: int,
    alpha: float | None = None,
    train_flags: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Trains, fits, evaluates and exports every product.

    A product that fails does not stop the others. Products that are complete
    are not repeated; interrupted ones resume.

    Args:
        products: `Product`s.
        run: Runs a tool in a process of its own; called by threads.
        num_parallel: Products at a time.
        alpha: False-alarm rate; None for the default of `fit_detector.py`.
        train_flags: Further flags of `train_gan.py`.

    Returns:
        rows: Content of `product.json` of each; of one that failed its name
            and why.
    """

    def one(product: Product) -> dict[str, Any]:
        try:
            return _complete(product, run, alpha, train_flags)
        except UserError as error:
            logging.error("%s: %s", product.name, error)
            return {"name": product.name, "failed": str(error)}

    with ThreadPoolExecutor(num_parallel) as pool:
        return list(pool.map(one, products))


def _complete(
    product: Product,
    run: Run,
    alpha: float | None,
    train_flags: Sequence[str],
) -> dict[str, Any]:
    path = os.path.join(product.model_dir, DONE_NAME)
    asked = {"alpha": alpha, "train_flags": list(train_flags)}
    common = (f"--data={product.data}", f"--model_dir={product.model_dir}")
    done = _earlier(path, asked)
    if done is None:
        run("train_gan.py", *common, *train_flags)
        given = () if alpha is None else (f"--alpha={alpha}",)
        run("fit_detector.py", *common, *given)
        results = _evaluated(product, run, common)
        # The number is kept before the export: a run that is killed after it
        # must not export the same model again.
        version = next_version(product.export_dir)
        done = {"name": product.name, **asked, **results, _EXPORTING: version}
        artifacts.write_json(path, done)
    version = done.pop(_EXPORTING, None)
    if version is None:
        return done
    if not os.path.exists(os.path.join(product.export_dir, str(version))):
        run(
            "export_saved_model.py",
            *common,
            f"--export_dir={product.export_dir}",
            f"--version={version}",
        )
    artifacts.write_json(path, done)
    return done


def _earlier(path: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What an earlier run with the same flags came to; None for none."""
    if not os.path.exists(path):
        return None
    done = artifacts.read_json(path, made_by="train_products.py")
    return done if {name: done.get(name) for name in asked} == asked else None


def _evaluated(product: Product, run: Run, common) -> dict[str, Any]:
    """Figures of the test images; none where there are none."""
    parts = {(file.part, file.label) for file in list_images(product.data)}
    if not any(part in ("test", "pool") for part, _ in parts):
        return {}
    report = os.path.join(product.model_dir, "report")
    run("evaluate_detector.py", *common, f"--report_dir={report}")
    results = artifacts.read_json(
        os.path.join(report, "results.json"), made_by="evaluate_detector.py"
    )
    return {
        "num_train": results["num_train"],
        "auroc": results["auroc"]["anomaly_score"],
        "overkill_rate": results["overkill_rate"],
        "escape_rate": results["escape_rate"],
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The figures of all products as a Markdown table.

    Args:
        rows: Of `train_products`.

    Returns:
        text: A line for each product.
    """
    return formatting.markdown_table(_HEADER, [_row(row) for row in rows])


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["name"],
        str(row.get("num_train", "–")),
        formatting.number(row.get("auroc")),
        formatting.percent(row.get("overkill_rate")),
        formatting.percent(row.get("escape_rate")),
        row.get("failed", "complete"),
    )
