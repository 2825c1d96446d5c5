from ganad_tf.evaluation import result_tables


def results(data="parts", method="joint", auroc=0.9, **more):
    point = {
        "accuracy": 0.5,
        "balanced_accuracy": 0.5,
        "overkill_rate": 0.25,
        "overkill_rate_ci95": [0.1, 0.4],
        "escape_rate": 0.5,
    }
    names = ("anomaly_score", "frechet_score", "gmm")
    return {
        "data": data,
        "method": method,
        **point,
        "methods": dict.fromkeys(names, point),
        "auroc": dict.fromkeys(names, auroc),
        "auroc_ci95": dict.fromkeys(names, [0.8, 0.95]),
        "overkill_by_alpha": {"0.01": {"overkill_rate": 0.0}},
        **more,
    }


def test_baselines_of_one_data_set_are_listed_once():
    runs = [results(), results(method="paper"), results(data="wood")]
    lines = result_tables.methods_table(runs).splitlines()[2:]
    assert [line.split(" | ")[1] for line in lines] == [
        "**joint: anomaly_score**",
        "joint: frechet_score",
        "gmm",
        "**paper: anomaly_score**",
        "paper: frechet_score",
        "**joint: anomaly_score**",
        "joint: frechet_score",
        "gmm",
    ]


def test_runs_say_whether_overkill_is_as_expected():
    runs = [
        results(overkill_rate_expected95=ends)
        for ends in ([0.0, 0.2], [0.0, 0.25], [0.2, 0.3], [0.3, 0.4])
    ]
    assert result_tables.summarise(runs)[result_tables.INSIDE]["mean"] == 0.5
    earlier = [*runs, results()]
    assert result_tables.INSIDE not in result_tables.summarise(earlier)


def test_seeds_are_summarised_where_all_have_a_figure():
    pixel = {"pixel": {"aupro": 0.7}}
    summary = result_tables.summarise(
        [results(auroc=0.8, **pixel), results(auroc=1.0)]
    )
    assert summary["AUROC gmm"] == {
        "mean": 0.9,
        "least": 0.8,
        "largest": 1.0,
        "num_seeds": 2,
    }
    assert "pixel aupro" not in summary
    table = result_tables.summary_table({"parts": summary})
    assert "| parts | AUROC gmm | 0.900 | 0.800 | 1.000 | 2 |" in table
