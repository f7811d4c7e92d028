"""A bucket of object storage, spoken to by botocore: does it answer, and what is in it?

reached     it has answered: it is asked once, with little patience, before anything else

What goes wrong is Trouble of one line.
"""

import threading
from collections.abc import Callable
from typing import Any

from drift.sim.errors import Trouble
from drift.sim.legible import legible
from drift.sim.places import SCHEME
from drift.sim.trouble import told

PATIENCE = 20.0
"""Seconds in which a bucket has to answer first."""
PAGE = 1000
"""Names listed by one request, and deleted by another: the most that S3 knows."""


class Bucket:
    """The bucket of a name; those that begin with `key` are meant, others may be closed to us."""

    def __init__(self, name: str, key: str):
        self.name, self._key, self._label = name, key, f"{SCHEME}{name}/{key}"
        self._reached = False

    def reach(self) -> None:
        """Find out, once, whether it answers."""
        if self._reached:
            return
        with told(self._label):
            import s3fs  # noqa: F401  # which zarr needs

            from drift.sim.remote import client

            hasty = client(hasty=True)
            one = {"Bucket": self.name, "Prefix": self._key, "MaxKeys": 1}
            within(PATIENCE, lambda: hasty.list_objects_v2(**one))
        self._reached = True

    def client(self, hasty: bool = False) -> Any:
        """A botocore client, once the bucket is reached."""
        self.reach()
        from drift.sim.remote import client

        return client(hasty)

    def first(self, prefix: str) -> str | None:
        """The first of the names that begin so."""
        client = self.client()
        with told(self._label):
            found = client.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=1)
        return next((str(each["Key"]) for each in found.get("Contents", ())), None)

    def delete(self, prefix: str, but: str) -> None:
        """Delete all objects whose names begin so, but one. Raises Trouble where one stays."""
        client = self.client()
        with told(self._label):
            for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, PaginationConfig={"PageSize": PAGE}
            ):
                keys = [each["Key"] for each in page.get("Contents", ()) if each["Key"] != but]
                if not keys:
                    continue
                going = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
                done = client.delete_objects(Bucket=self.name, Delete=going)
                for error in done.get("Errors", ()):
                    said = f"the storage says {legible(str(error.get('Code')))}"
                    raise Trouble(self._label, f"{legible(error['Key'])} can't be deleted: {said}")


def within(seconds: float, ask: Callable[[], Any]) -> None:
    """Do `ask`, which may hang, for so long; raises what it raises, or TimeoutError."""
    raised: list[BaseException] = []

    def attempt() -> None:
        try:
            ask()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError
    if raised:
        raise raised[0]
