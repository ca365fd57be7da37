"""What tests ask of `cloud-optimized-dicom`; the argument is the URL of the server that stands for GCS."""

import logging
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

from cloud_optimized_dicom import metrics
from cloud_optimized_dicom.cod_object import CODObject
from cloud_optimized_dicom.errors import LockAcquisitionError
from cloud_optimized_dicom.instance import Instance
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from facts import series_of
from json_lines import serve
from series import KINDS, Series
from sources import hashed, put_sources

OPTIONS = {"api_endpoint": sys.argv[1]}
CLIENT = storage.Client(project="interop", credentials=AnonymousCredentials(), client_options=OPTIONS)

held = None
"""The series whose lock this process holds."""

beginning = None
"""Of an acquisition that was begun: what lets it go on, and its future."""


def write(kind, bucket):
    """Writes a series of this kind and says what the package reads back."""
    series = Series(CLIENT, bucket, kind, hashed if kind == "hashed-uids" else None)
    KINDS[kind](series)
    answer = read(series.datastore, series.study_uid, series.series_uid)
    if kind == "error-log":
        # The last thing: with it the package opens the series no more.
        series.blob("error.log").upload_from_string("ValueError: made up", content_type="text/plain")
    return answer


def read(datastore, study_uid, series_uid):
    """What the package reads of a series, in the shape of the golden ones' expected.json, and each instance's tags."""
    cod = CODObject(datastore, CLIENT, study_uid, series_uid, mode="r", create_if_missing=False)
    instances = cod.get_instances(strict_sorting=False)
    if instances:
        cod.pull_tar()
    return series_of(cod, instances, cod.get_metadata())


def sources(**of):
    return put_sources(CLIENT, **of)


def append(uris, **place):
    """One append in a session of its own, in which nothing is transcoded: how many became what, and errors in words."""
    if not acquire(**place):
        raise LockAcquisitionError("somebody else holds it")
    return finish(uris)


def acquire(datastore, study_uid, series_uid, hashed_uids=False):
    """Opens a series under its lock, to be written. Returns whether it has the lock now."""
    global held
    try:
        held = CODObject(datastore, CLIENT, study_uid, series_uid, mode="a", hashed_uids=hashed_uids)
    except LockAcquisitionError:
        return False
    return True


def begin_to_acquire(**place):
    """The same, but it stops when the metadata, which is read first, was read, until `go_on`."""
    global beginning
    fetch, is_read, may_go_on = CODObject.get_metadata, threading.Event(), threading.Event()

    def fetch_and_wait(cod, *args, **named):
        metadata = fetch(cod, *args, **named)
        CODObject.get_metadata = fetch
        is_read.set()
        may_go_on.wait()
        return metadata

    CODObject.get_metadata = fetch_and_wait
    beginning = may_go_on, ThreadPoolExecutor(1).submit(acquire, **place)
    is_read.wait()


def go_on():
    may_go_on, acquiring = beginning
    may_go_on.set()
    return acquiring.result()


def finish(uris, field=None):
    """Appends to what was acquired, adds a field of that name, stores it, and gives the lock back."""
    hash_func = hashed if held.hashed_uids else None
    params = {"client": CLIENT}
    with held as cod:
        if field is not None:
            cod.add_metadata_field(field, True)
        instances = [Instance(uri, transport_params=params, uid_hash_func=hash_func) for uri in uris]
        new, same, conflict, errors = cod.append(instances, compress=False)
    answer = {"new": len(new), "same": len(same), "conflict": len(conflict)}
    return {**answer, "errors": [f"{type(error).__name__}: {error}" for _, error in errors]}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    # The server does not tell storage classes, by which the package counts its downloads.
    metrics.STORAGE_CLASS_COUNTERS["GET"][None] = metrics.STD_GET_COUNTER
    commands = (write, read, sources, append, acquire, begin_to_acquire, go_on, finish)
    serve({"kinds": lambda: list(KINDS), **{command.__name__: command for command in commands}})
