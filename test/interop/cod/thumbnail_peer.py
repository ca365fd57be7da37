"""Thumbnails as `cloud-optimized-dicom` makes and reads them; the argument is the URL of the server that stands for GCS."""

import base64
import logging
import os
import sys
import warnings

from cloud_optimized_dicom import metrics
from cloud_optimized_dicom.cod_object import CODObject
from cloud_optimized_dicom.thumbnail import (
    ThumbnailCoordConverter,
    fetch_thumbnail,
    get_instance_by_thumbnail_index,
    get_instance_thumbnail_slice,
)
from cloud_optimized_dicom.utils import read_thumbnail_into_array
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from json_lines import serve

OPTIONS = {"api_endpoint": sys.argv[1]}
CLIENT = storage.Client(project="interop", credentials=AnonymousCredentials(), client_options=OPTIONS)


def make(datastore, study_uid, series_uid, hashed_uids, size):
    """Makes one and stores it. Returns what went wrong, or nothing."""
    try:
        with CODObject(datastore, CLIENT, study_uid, series_uid, mode="a", hashed_uids=hashed_uids) as cod:
            cod.get_thumbnail(thumbnail_size=size)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def show(datastore, study_uid, series_uid, hashed_uids):
    """
    The stored thumbnail, made by whomever: its pictures, what each instance's slice and each place show.

    It is taken for what it is: `get_thumbnail` finds all of a series with an instance without pixels out of date.
    """
    cod = CODObject(datastore, CLIENT, study_uid, series_uid, mode="r", hashed_uids=hashed_uids)
    block = cod.get_metadata_field("thumbnail")
    if len(block["instances"]) == len(cod.get_instances(strict_sorting=False)):
        whole = cod.get_thumbnail(generate_if_missing=False)
    else:
        name = os.path.basename(block["uri"])
        fetch_thumbnail(cod)
        whole = read_thumbnail_into_array(os.path.join(cod.get_temp_dir(), name))
    count = 1 if whole.ndim == 3 else len(whole)
    uids = [get_instance_by_thumbnail_index(cod, index) for index in range(count)]
    slices = {key: get_instance_thumbnail_slice(cod, whole, key) for key in block["instances"]}
    return {
        "block": block,
        "pictures": [encoded(picture) for picture in (whole if whole.ndim == 4 else [whole])],
        "side": whole.shape[-2],
        "instances": [instance.instance_uid(trust_hints_if_available=True) for instance in uids],
        "slices": {key: 1 if part.ndim == 3 else len(part) for key, part in slices.items()},
    }


def corners(anchors):
    """Where the package says that the frame's own corners are shown."""
    converter = ThumbnailCoordConverter.from_anchors(anchors)
    size = anchors["original_size"]
    return [converter.original_to_thumbnail(point) for point in ((0, 0), (size["width"], size["height"]))]


def encoded(picture):
    return base64.b64encode(picture.tobytes()).decode()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    metrics.STORAGE_CLASS_COUNTERS["GET"][None] = metrics.STD_GET_COUNTER
    serve({command.__name__: command for command in (make, show, corners)})
