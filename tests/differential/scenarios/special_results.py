"""SPEC 2.4 to 2.6: PrefectResult, ConstantResult, SecretResult."""

import cloudpickle
from prefect import Flow, Parameter, Task, task
from prefect.engine.results import ConstantResult, LocalResult, PrefectResult, SecretResult
from prefect.engine.serializers import DateTimeSerializer, JSONSerializer, PickleSerializer
from prefect.utilities.configuration import set_temporary_config


def prefect_result(record):
    result = PrefectResult()
    record("serializer", type(result.serializer))
    written = result.write(99)
    record("written", written)
    record("text", PrefectResult().write({"a": [1, None]}).location)
    record("untouched", result)
    record("value without location", PrefectResult(value=3).location)
    record("read", result.read('{"a": 1}'))
    record("keys ignored", PrefectResult(location="{x}").write(1).location)


def prefect_result_exists(record):
    result = PrefectResult()
    record("exists", [result.exists("1"), result.exists("{oops"), result.exists('"x"'), result.exists(5)])


def prefect_result_serializers(record):
    result = PrefectResult(serializer=DateTimeSerializer())
    result.serializer = JSONSerializer()
    with record.error("constructor", TypeError):
        PrefectResult(serializer=PickleSerializer())
    with record.error("assignment", TypeError):
        result.serializer = PickleSerializer()
    record("kept", type(result.serializer))


def prefect_result_refuses(record):
    with record.error("object", TypeError):
        PrefectResult().write(object())
    with record.error("set", TypeError):
        PrefectResult().write({1, 2})


def prefect_result_in_a_flow():
    @task(result=PrefectResult(), name="three")
    def three():
        return {"three": 3}

    with Flow("f") as flow:
        three()
    return flow, {"context": {"checkpointing": True}}


def prefect_result_target(record):
    @task(result=PrefectResult(), target="42")
    def never():
        record("ran", True)

    with Flow("f") as flow:
        never()
    record.flow(flow, flow.run())


def constant_result(record):
    result = ConstantResult(value=5)
    record("same", result.read("anything") is result)
    record("exists", result.exists("anything"))
    with record.error("write", ValueError):
        result.write(1)
    with record.error("serializer", ValueError, "Can't pass a serializer"):
        ConstantResult(value=1, serializer=PickleSerializer())
    with record.error("no serializer", ValueError, "Can't pass a serializer"):
        ConstantResult(value=1, serializer=None)
    record("repr", repr(result))


def secret_result(record):
    class Secret(Task):
        def run(self, name):
            return "the secret called " + name

    secret = Secret(name="key")
    result = SecretResult(secret)
    record("location", result.location)
    record("task", result.secret_task is secret)
    record("read", result.read("other"))
    with record.error("write", ValueError):
        result.write(1)
    with record.error("serializer", ValueError, "Can't pass a serializer"):
        SecretResult(secret, serializer=PickleSerializer())


def parameter_results(record):
    with Flow("f", result=LocalResult(dir="store")) as flow:
        Parameter("x")()
        Parameter("y", default=[1])()
    with set_temporary_config({"flows.checkpointing": True}):
        record.flow(flow, flow.run(x=3))
    record.files()


def pickled_special_results(record):
    for result in (PrefectResult(value=3), ConstantResult(value=4)):
        record("equal", cloudpickle.loads(cloudpickle.dumps(result)) == result)
