"""The flags of a load test, which `benchmark*.py` share."""

from __future__ import annotations

from absl import flags

from ganad_tf.benchmark.load import LoadPlan

_DEFAULTS = LoadPlan()
_NUM_REQUESTS = flags.DEFINE_integer(
    "num_requests",
    _DEFAULTS.num_requests,
    "Requests of one image for each signature.",
    lower_bound=10,
)
_NUM_CLIENTS = flags.DEFINE_integer(
    "num_clients", _DEFAULTS.num_clients, "Clients at once.", lower_bound=1
)
_SIGNATURES = flags.DEFINE_list(
    "signatures", list(_DEFAULTS.signatures), "Signatures, one after the other."
)
_SECONDS = flags.DEFINE_float(
    "seconds",
    _DEFAULTS.seconds,
    "Seconds over which the requests of a signature are spread evenly; a "
    "latency then counts from the moment a request is due. 0: each client "
    "sends its next request as soon as it has an answer.",
    lower_bound=0.0,
)
_NUM_SWAPS = flags.DEFINE_integer(
    "num_swaps",
    _DEFAULTS.num_swaps,
    "New versions of the model that appear during the load of a signature, "
    "spread evenly over the requests.",
    lower_bound=0,
)


def load_plan() -> LoadPlan:
    """The plan that the flags describe."""
    return LoadPlan(
        num_requests=_NUM_REQUESTS.value,
        num_clients=_NUM_CLIENTS.value,
        signatures=tuple(_SIGNATURES.value),
        seconds=_SECONDS.value,
        num_swaps=_NUM_SWAPS.value,
    )
