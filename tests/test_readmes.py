"""What the README files refer to is in the checkout."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parent.parent
MAX_BYTES = 9000  # of the main one: a screen's reading
# [text](target) and ![text](target "title").
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
CODE = re.compile(r"```.*?```|^ {4}.*?$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
URL = re.compile(r"[a-z]+:", re.IGNORECASE)


def checked_in():
    """Files of the checkout; all files where this is no checkout."""
    ran = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if ran.returncode == 0:
        return {ROOT / name for name in ran.stdout.splitlines()}
    return {path for path in ROOT.rglob("*") if path.is_file()}


FILES = checked_in()
PACKAGE = ROOT / "ganad_tf"
PACKAGE_FILES = {file for file in FILES if PACKAGE in file.parents}
READMES = sorted(
    str(path.relative_to(ROOT))
    for path in FILES
    if path.name == "README.md" and path.exists()
)


def links(text):
    targets = LINK.findall(CODE.sub("", text))
    return [link for link in targets if not URL.match(link)]


def anchors(text):
    """Anchors of headings, as GitHub makes them."""
    headings = re.findall(r"^#+\s+(.*)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


def is_there(path, text, link):
    name, _, anchor = link.partition("#")
    if not name:
        return anchor in anchors(text)
    target = (path.parent / name).resolve()
    if target.is_dir():
        return any(target in file.parents for file in FILES)
    return target in FILES and target.exists()


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_says_what_it_is_of(readme):
    heading, *lines = (ROOT / readme).read_text().splitlines() or [""]
    assert heading.startswith("# ") and len(lines) > 5


@pytest.mark.parametrize("readme", READMES)
def test_links_and_pictures_are_in_the_checkout(readme):
    path = ROOT / readme
    text = path.read_text()
    missing = [link for link in links(text) if not is_there(path, text, link)]
    assert not missing


def test_the_main_readme_is_short_and_has_a_picture():
    content = (ROOT / "README.md").read_bytes()
    assert len(content) <= MAX_BYTES
    assert "](saved_models/results/" in content.decode()


def test_links_are_those_of_the_text():
    text = "[a](b.md#c) ![d](e.png) `[x](y)` [f](https://g)\n\n    [z](z)\n"
    assert links(text) == ["b.md#c", "e.png"]


def test_the_map_of_rooms_names_modules_that_are_there():
    *_, rooms = (ROOT / "README.md").read_text().split("## Where to change")
    modules = re.findall(r"`([\w/]+\.py)`", rooms)
    missing = [
        name
        for name in modules
        if not any(str(file).endswith(f"/{name}") for file in PACKAGE_FILES)
    ]
    assert len(modules) > 20 and not missing


def test_every_room_has_a_readme():
    rooms = {file.parent for file in PACKAGE_FILES if file.suffix == ".py"}
    missing = [
        room.name
        for room in rooms - {PACKAGE}
        if room / "README.md" not in PACKAGE_FILES
    ]
    assert rooms and not missing
