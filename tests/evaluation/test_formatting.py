from ganad_tf.evaluation import formatting

RESULTS = {
    "methods": {
        "gmm": {
            "accuracy": 0.5,
            "balanced_accuracy": None,
            "overkill_rate": 0.25,
            "overkill_rate_ci95": [0.1, 0.4],
            "escape_rate": None,
        }
    },
    "auroc": {"gmm": None},
    "auroc_ci95": {"gmm": None},
}


def test_what_is_missing_is_a_dash():
    for text in (
        formatting.number(None),
        formatting.percent(None),
        formatting.interval(None),
    ):
        assert text == "–"


def test_a_method_has_a_cell_below_each_heading():
    row = formatting.method_row(RESULTS, "gmm")
    assert len(row) == len(formatting.METHOD_HEADER)
    cells = dict(zip(formatting.METHOD_HEADER[3:], row[3:], strict=True))
    assert cells["accuracy"] == "50.0 %"
    assert cells["overkill"] == "25.0 %"
    assert cells["95 % interval"] == "10.0 to 40.0 %"
    assert row[0] == "gmm" and cells["escape"] == row[1] == "–"


def test_a_markdown_table_has_a_line_for_each_row():
    table = formatting.markdown_table(("a", "b"), [("1", "2"), ("3", "4")])
    assert table.splitlines()[1:] == ["|---|---|", "| 1 | 2 |", "| 3 | 4 |"]
