"""Run by prefect 1.4.1: pickles one object of each kind into a file, ``{name: bytes}``."""

import datetime
import pickle
import sys

import cloudpickle
from prefect.engine import serializers, signals, state
from prefect.engine.result import NoResult, Result
from prefect.engine.results import ConstantResult, LocalResult, PrefectResult

MOMENT = datetime.datetime(2020, 1, 1)

OBJECTS = {
    "result": Result([1], location="x/{y}"),
    "local": LocalResult(dir=sys.argv[2], location="a.pkl", value=3),
    "inline": PrefectResult(value=3),
    "nothing": NoResult,
    "constant": ConstantResult(value=4),
    "pickle": serializers.PickleSerializer(),
    "json": serializers.JSONSerializer(),
    "compressed": serializers.CompressedSerializer(serializers.PickleSerializer(), format="bz2"),
    "success": state.Success("m", result=1),
    "retrying": state.Retrying(run_count=2, start_time=MOMENT),
    "cached": state.Cached(result=LocalResult(value=1), cached_result_expiration=MOMENT),
    "mapped": state.Mapped(map_states=[state.Success(result=1)]),
    "submitted": state.Submitted(state=state.Success(result=1)),
    "fail": signals.FAIL("m"),
    "loop": signals.LOOP(result=3),
}

with open(sys.argv[1], "wb") as file:
    pickle.dump({name: cloudpickle.dumps(value) for name, value in OBJECTS.items()}, file)
