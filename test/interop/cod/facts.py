"""What a file is, and what the package tells of it: the words of the golden series' expected.json."""

import hashlib

import pydicom
from pydicom.encaps import generate_frames, parse_basic_offsets, parse_fragments
from pydicom.uid import UID


def series_of(cod, instances, metadata):
    """A series and each instance's tags; the tar must be where the instances are read from."""
    return {
        "datastore": cod.datastore_path,
        "study_uid": cod.study_uid,
        "series_uid": cod.series_uid,
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
