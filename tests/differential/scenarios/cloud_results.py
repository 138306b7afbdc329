"""SPEC 2.7: results in object stores, as far as they can be looked at without one."""

import pickle

from prefect.engine.results import AzureResult, GCSResult, S3Result
from prefect.engine.serializers import JSONSerializer


def made(record):
    for result in (
        S3Result("b", location="{x}/y"),
        GCSResult("b", location="{x}/y"),
        AzureResult("c", location="{x}/y"),
    ):
        record("result", result)
        record("location", result.location)
        record("formatted", result.format(x=1).location)
        record("with a value", result.from_value(3))
        record("again", pickle.loads(pickle.dumps(result)) == result)


def attributes(record):
    record("s3", S3Result("b").bucket)
    record("gcs", GCSResult(bucket="b").bucket)
    azure = AzureResult("c", connection_string_secret="S")
    record("azure", [azure.container, azure.connection_string_secret])
    record("serializer", S3Result("b", serializer=JSONSerializer()).serializer == JSONSerializer())


def equality(record):
    record("equal", S3Result("b", location="x") == S3Result("b", location="x"))
    record("other bucket", S3Result("b") == S3Result("c"))
    record("other location", GCSResult("b", location="x") == GCSResult("b", location="y"))
    record("other upload options", S3Result("b", upload_options={"ContentType": "a"}) == S3Result("b"))
    record("other kwargs", S3Result("b", boto3_kwargs={"region_name": "r"}) == S3Result("b"))
    record("other class", S3Result("b") == GCSResult("b"))
