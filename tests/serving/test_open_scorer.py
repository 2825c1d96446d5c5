import sys

import pytest

from ganad_tf.errors import UserError
from ganad_tf.serving import open_scorer as scorers
from ganad_tf.serving import rest_client
from ganad_tf.serving import saved_model


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_scheme_chooses_the_client(scheme):
    url = f"{scheme}://host:8501/v1/models/parts"
    scorer = scorers.open_scorer(server=url)
    assert isinstance(scorer, rest_client.RestClient) and scorer.source == url


def test_a_saved_model_is_opened_here(exported):
    scorer = scorers.open_scorer(saved_model=exported)
    assert isinstance(scorer, saved_model.SavedModelScorer)
    assert scorer.manifest["name"] == "parts"


@pytest.mark.parametrize(
    "arguments", [{}, {"saved_model": "a", "server": "http://b"}]
)
def test_one_source_is_expected(arguments):
    with pytest.raises(UserError, match="one of --saved_model and --server"):
        scorers.open_scorer(**arguments)


@pytest.mark.parametrize("server", ["ftp://host", "host:8500", "http", ""])
def test_other_addresses_are_errors(server):
    with pytest.raises(UserError, match="Expected http://, https:// or grpc"):
        scorers.open_scorer(server=server)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ganad_tf.serving.grpc_client", None)
    with pytest.raises(UserError, match="needs the extra `serving`"):
        scorers.open_scorer(server="grpc://host:8500/parts")
