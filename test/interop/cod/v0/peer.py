"""What tests ask of `cloud-optimized-dicom` 0.1.1, where `lock=True` locks and keeps what is stored; as `../peer.py`."""

import gzip
import json
import logging
import sys
import warnings

from cloud_optimized_dicom import metrics
from cloud_optimized_dicom.cod_object import CODObject
from cloud_optimized_dicom.instance import Instance
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from facts import series_of
from json_lines import serve
from sources import hashed, put_sources

OPTIONS = {"api_endpoint": sys.argv[1]}
CLIENT = storage.Client(project="interop", credentials=AnonymousCredentials(), client_options=OPTIONS)


def read(datastore, study_uid, series_uid):
    """As 2.2.0's, but under the lock, without which this version checks nothing."""
    with opened(datastore, study_uid, series_uid) as cod:
        instances = cod.get_instances(strict_sorting=False)
        if instances:
            cod.pull_tar()
        return series_of(cod, instances, cod.get_metadata())


def sources(**of):
    return put_sources(CLIENT, **of)


def opened(datastore, study_uid, series_uid, hashed_uids=False, lock_generation=None):
    """Under its lock: that of `lock_generation`, or a new one."""
    of = {"hashed_uids": hashed_uids, "lock_generation": lock_generation}
    return CODObject(datastore, CLIENT, study_uid, series_uid, lock=True, **of)


def append(uris, fail=None, **place):
    """One append in a session of its own, which ends with an exception if `fail` says of what; how many became what."""
    with opened(**place) as cod:
        return append_to(cod, uris, fail)


def append_to(cod, uris, fail=None):
    hash_func = hashed if cod.hashed_uids else None
    params = {"client": CLIENT}
    # It transcodes whatever is not compressed, even when it is told not to.
    instances = [Instance(uri, transport_params=params, uid_hash_func=hash_func) for uri in uris]
    new, same, conflict, errors = cod.append(instances, compress=False)
    if fail is not None:
        raise RuntimeError(fail)
    cod.sync()
    answer = {"new": len(new), "same": len(same), "conflict": len(conflict)}
    return {**answer, "errors": [f"{type(error).__name__}: {error}" for _, error in errors]}


def acquire(**place):
    """Takes the lock, or goes on with that of `lock_generation`: what another process needs to go on with it."""
    return opened(**place).serialize()


def go_on(serialized, uris, fail=None):
    """Goes on with what was serialized, in whatever process: as `append`."""
    with CODObject.deserialize(serialized, CLIENT) as cod:
        return append_to(cod, uris, fail)


def save_as_v1(datastore, study_uid, series_uid):
    """All metadata as the package's own writer of version 1.0 has them, which nothing in it calls any more."""
    with opened(datastore, study_uid, series_uid) as cod:
        metadata = cod.get_metadata()
        instances = {key: instance.to_cod_dict_v1() for key, instance in metadata.instances.items()}
        document = {**metadata.to_dict(), "cod": {"instances": instances}}
        blob = storage.Blob.from_string(cod.metadata_uri, client=CLIENT)
        blob.content_encoding = "gzip"
        blob.upload_from_string(gzip.compress(json.dumps(document).encode()), content_type="application/json")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    # The server does not tell storage classes, by which the package counts its downloads.
    metrics.STORAGE_CLASS_COUNTERS["GET"][None] = metrics.STD_GET_COUNTER
    commands = (read, sources, append, acquire, go_on, save_as_v1)
    serve({command.__name__: command for command in commands})
