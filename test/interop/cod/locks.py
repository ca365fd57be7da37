"""Locks of `cloud-optimized-dicom`, for tests; the argument is the URL of the server that stands for GCS."""

import logging
import sys
import warnings

from cloud_optimized_dicom import metrics
from cloud_optimized_dicom.cod_object import CODObject
from cloud_optimized_dicom.errors import LockAcquisitionError
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from json_lines import serve
from series import KINDS, Series

OPTIONS = {"api_endpoint": sys.argv[1]}
CLIENT = storage.Client(project="interop", credentials=AnonymousCredentials(), client_options=OPTIONS)

held = None


def write(bucket):
    """Writes a series of several instances, and says where it is."""
    series = Series(CLIENT, bucket, "several-instances")
    KINDS["several-instances"](series)
    return {"datastore": series.datastore, "study_uid": series.study_uid, "series_uid": series.series_uid}


def take(datastore, study_uid, series_uid, override_age=None):
    """Opens the series for appending, which takes its lock. Returns its generation, or None when somebody holds it."""
    global held
    place = (datastore, CLIENT, study_uid, series_uid)
    try:
        held = CODObject(*place, mode="a", empty_lock_override_age=override_age)
    except LockAcquisitionError:
        return None
    return str(held.lock_generation)


def release():
    held._locker.release()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    # The server does not tell storage classes, by which the package counts its downloads.
    metrics.STORAGE_CLASS_COUNTERS["GET"][None] = metrics.STD_GET_COUNTER
    serve({"write": write, "take": take, "release": release})
