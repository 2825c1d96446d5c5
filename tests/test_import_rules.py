import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "ganad_tf"
RANKS = [
    [
        "artifacts",
        "baselines",
        "c_api",
        "calibration",
        "corruptions",
        "evaluation",
        "frozen_generator",
        "image_files",
        "latent_energies",
        "latent_prior",
        "latent_statistics",
        "linear_head",
        "losses",
        "misses",
        "networks",
        "progress",
        "pyramid",
        "regions",
        "residual_statistics",
        "score_table",
        "sweep",
        "tiles",
        "version",
    ],
    [
        "band_statistics",
        "callbacks",
        "dataset",
        "gan",
        "images",
        "inversion",
        "report",
        "scoring",
        "warmup",
    ],
    [
        "detector",
        "monitoring",
        "paper_measures",
        "serving",
        "serving_client",
    ],
    [
        "grpc_client",
        "paper_figures",
        "paper_words",
        "rest_client",
        "speed_dial",
        "summaries",
        "training",
    ],
    ["assessment", "servable"],
    ["paper_samples", "parity"],
    ["export", "paper"],
    ["__init__"],
]
WITHOUT_TENSORFLOW = [
    "artifacts",
    "baselines",
    "c_api",
    "calibration",
    "dataset",
    "evaluation",
    "image_files",
    "latent_statistics",
    "misses",
    "paper_measures",
    "paper_words",
    "progress",
    "report",
    "rest_client",
    "score_table",
    "scoring",
    "serving_client",
    "sweep",
]
WITHOUT_SCIKIT_LEARN = [
    "frozen_generator",
    "gan",
    "inversion",
    "losses",
    "networks",
    "pyramid",
]
WITHOUT_MODULE = {
    "cpp_loader",
    "docstrings",
    "end_to_end",
    "import_rules",
    "public_api",
    "serving_double",
    "tensorboard",
    "tools",
}
TOOLS = {path.stem for path in (ROOT / "tools").glob("*.py")}
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def tree_of(module):
    return ast.parse((PACKAGE / f"{module}.py").read_text())


def imports(nodes):
    """Full names of what is imported."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def own(names):
    return {n.split(".")[1] for n in names if n.startswith("ganad_tf.")}


def test_every_module_has_a_rank():
    assert sorted(name for rank in RANKS for name in rank) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_lower_ranks_only(module):
    rank = next(r for r, names in enumerate(RANKS) if module in names)
    lower = {name for names in RANKS[:rank] for name in names}
    assert own(imports(ast.walk(tree_of(module)))) <= lower


@pytest.mark.parametrize("module", MODULES)
def test_imports_stand_at_the_top(module):
    tree = tree_of(module)
    inner = set(imports(ast.walk(tree))) - set(imports(tree.body))
    assert not inner


@pytest.mark.parametrize("module", MODULES)
def test_libraries_stay_where_they_belong(module):
    roots = {n.split(".")[0] for n in imports(ast.walk(tree_of(module)))}
    if module in WITHOUT_TENSORFLOW:
        assert not roots & {"tensorflow", "keras"}
    if module in WITHOUT_SCIKIT_LEARN:
        assert "sklearn" not in roots


@pytest.mark.parametrize("module", MODULES)
def test_no_flag_print_or_assert_is_in_the_package(module):
    for node in ast.walk(tree_of(module)):
        assert not isinstance(node, ast.Assert)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print"
    assert "absl.flags" not in imports(ast.walk(tree_of(module)))


def test_tests_mirror_modules():
    tests = {p.stem.removeprefix("test_") for p in ROOT.glob("tests/test_*.py")}
    mirrored = set(MODULES) - {"__init__", "version"}
    assert mirrored <= tests
    assert tests - mirrored - TOOLS <= WITHOUT_MODULE


def functions():
    for folder in ("ganad_tf", "tools"):
        for path in sorted((ROOT / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef):
                    doc = ast.get_docstring(node, clean=False) or ""
                    lines = node.end_lineno - node.lineno - doc.count("\n")
                    yield f"{path.name}:{node.name}", lines


def test_functions_are_short():
    lengths = dict(functions())
    assert max(lengths.values()) <= 60
    ordered = sorted(lengths.values())
    assert ordered[len(ordered) // 2] <= 12
    assert ordered[3 * len(ordered) // 4] <= 20
