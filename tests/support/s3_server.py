"""A real S3 server on the loopback, in this process."""

import itertools
import logging
import os
from contextlib import contextmanager

SECRET = "wJalr/SECRET+that-nobody-sees"
_numbers = itertools.count()


@contextmanager
def server():
    """Its endpoint, while it is there."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # which tells of each request
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        yield "http://{}:{}".format(*running.get_host_and_port())
    finally:
        running.stop()


def use(monkeypatch, endpoint, **more):
    """Set the environment's AWS variables, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **more,
    }
    for name, value in variables.items():
        if value is not None:
            monkeypatch.setenv(name, value)


def new_bucket():
    """The address of a bucket that is new and empty, s3://NAME."""
    from drift.sim.stores.objects.client import client

    name = f"bucket-{next(_numbers)}"
    client().create_bucket(Bucket=name)
    return f"s3://{name}"


def names(bucket):
    """All names of objects in it."""
    from drift.sim.stores.objects.client import client

    found = client().list_objects_v2(Bucket=bucket.removeprefix("s3://"))
    return [each["Key"] for each in found.get("Contents", ())]


def contents(bucket):
    """All objects in it: their bytes by name."""
    from drift.sim.stores.objects.client import client

    at = bucket.removeprefix("s3://")
    return {name: client().get_object(Bucket=at, Key=name)["Body"].read() for name in names(bucket)}


ELSEWHERE = {"owner": "x", "host": "elsewhere", "pid": 7}
"""What a lease says of a process on another machine."""
