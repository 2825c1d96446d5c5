import html
import json
import re

from tool_runner import done


def test_the_paper_is_reproduced_on_one_page(chain, product, tmp_path):
    folder = tmp_path / "paper"
    done(
        "reproduce_paper",
        data=product,
        model_dir=chain[0],
        report_dir=str(folder),
    )
    page = (folder / "paper.html").read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    sections = json.loads((folder / "paper.json").read_text())
    pictures = {f"figure_{n}" for n in (5, 6, 7, 8)} | {"figures_9_10"}
    tables = {"tables_1_2_paper", "tables_1_2_detector", "table_3"}
    assert set(sections) == pictures | tables
    pictures |= tables - {"table_3"}
    assert {path.stem for path in folder.glob("*.png")} == pictures
    assert page.count("<img") == 7 and page.count("The paper.") == 8
    spot = sections["tables_1_2_detector"]["spot"]
    assert spot["num_images"] == 8 and spot["ratio"][0] > 5
    assert all(
        sections[name]["finding"] in html.unescape(page) for name in tables
    )
