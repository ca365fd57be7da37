"""What tests ask of `cloud-optimized-dicom`; the argument is the URL of the server that stands for GCS."""

import hashlib
import logging
import sys
import warnings

import pydicom
from cloud_optimized_dicom import metrics
from cloud_optimized_dicom.cod_object import CODObject
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from pydicom.encaps import generate_frames, parse_basic_offsets, parse_fragments
from pydicom.uid import UID

from json_lines import serve
from series import KINDS, Series, hashed

OPTIONS = {"api_endpoint": sys.argv[1]}
CLIENT = storage.Client(project="interop", credentials=AnonymousCredentials(), client_options=OPTIONS)


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
    metadata = cod.get_metadata()
    return {
        "datastore": datastore,
        "study_uid": study_uid,
        "series_uid": series_uid,
        "hashed_uids": metadata.hashed_uids,
        "metadata_fields": metadata.metadata_fields,
        "instances": {key: instance_of(instance) for key, instance in instances.items()},
        "order": list(instances),
        "integrity_check": integrity_of(cod) if instances else None,
    }


def instance_of(instance):
    tags = instance.metadata
    size = instance.size()
    with instance.open() as file:
        # It hands out one byte more than an instance has.
        data = file.read()[:size]
    ds = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data))
    return {
        "instance_uid": instance.instance_uid(),
        "series_uid": instance.series_uid(),
        "study_uid": instance.study_uid(),
        "size": size,
        "crc32c": instance.crc32c(),
        "sha256": sha256(data),
        "start_byte": instance._byte_offsets[0],
        "transfer_syntax": tags["00020010"]["Value"][0],
        "has_pixeldata": instance.has_pixeldata,
        "number_of_frames": int(ds.get("NumberOfFrames") or 1),
        "offset_tables": instance._custom_offset_tables,
        "frames_sha256": frames_of(ds),
        "metadata_tags": len(tags),
        "tags": tags,
        "original_path": instance._original_path,
        "dependencies": instance.dependencies,
        "diff_hash_dupe_paths": instance._diff_hash_dupe_paths,
        "modified_datetime": instance._modified_datetime,
    }


def frames_of(ds):
    """Hashes of the frames as pydicom finds them; None for a single frame, or when nothing says where one ends."""
    frames = int(ds.get("NumberOfFrames") or 1)
    if frames == 1 or "PixelData" not in ds:
        return None
    value = ds.PixelData
    if not UID(ds.file_meta.TransferSyntaxUID).is_encapsulated:
        size = ds.Rows * ds.Columns * ds.SamplesPerPixel * ds.BitsAllocated // 8
        return [sha256(value[n * size : (n + 1) * size]) for n in range(frames)]
    buffer = pydicom.filebase.DicomBytesIO(value)
    buffer.is_little_endian = True
    basic = parse_basic_offsets(buffer)
    fragments, _ = parse_fragments(buffer)
    extended = None
    if "ExtendedOffsetTable" in ds:
        extended = (ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths)
    if not basic and extended is None and fragments != frames:
        return None
    joined = generate_frames(value, number_of_frames=frames, extended_offsets=extended)
    return [sha256(frame) for frame in joined]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def integrity_of(cod):
    try:
        cod.integrity_check()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "ok"


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    # The server does not tell storage classes, by which the package counts its downloads.
    metrics.STORAGE_CLASS_COUNTERS["GET"][None] = metrics.STD_GET_COUNTER
    serve({"kinds": lambda: list(KINDS), "write": write, "read": read})
