"""DICOM files that both sides append: objects of a bucket, the same bytes for the same arguments."""

from google_crc32c import Checksum
from base64 import b64encode

import phantoms
from facts import sha256
from phantoms import file_of, image, jpeg, rle, uid, without_pixels


def hashed(text):
    """Stands for whatever function a user has."""
    return uid("hashed", text)


def native(series, number):
    """Several frames, of odd sizes, too."""
    if number % 2 == 0:
        return image(series, number, frames=number % 3 + 2, rows=5, columns=5, bits=8)
    return image(series, number, frames=3, bits=8, colour=True)


def encapsulated(series, number):
    """Several frames, with every kind of offset table, and one or two fragments a frame."""
    table = ("basic", "none", "extended")[number % 3]
    make = jpeg if number % 4 == 3 else rle
    return make(series, number, frames=4, fragments=1 + number % 2, table=table)


def compressed(series, number):
    """What no version of the package transcodes."""
    return (without_pixels, jpeg, rle)[number % 3](series, number)


def of_all_kinds(series, number):
    makes = (
        image, native, encapsulated, without_pixels, phantoms.rt_dose, phantoms.big_endian, phantoms.deflated,
        phantoms.structured_report, phantoms.every_vr,
    )
    return makes[number % len(makes)](series, number)


SHAPES = {
    "images": image,
    "multi-frame, native": native,
    "multi-frame, encapsulated": encapsulated,
    "compressed": compressed,
    "of all kinds": of_all_kinds,
}


def put_sources(client, bucket, shape, series, first, count, patient="interop"):
    """Uploads `count` files of a series, numbered from `first`, and tells what each is; `patient` makes other bytes."""
    return [put_source(client, bucket, shape, series, number, patient) for number in range(first, first + count)]


def put_source(client, bucket, shape, series, number, patient):
    ds = SHAPES[shape](series, number)
    ds.PatientID = patient
    data = file_of(ds)
    key = f"sources/{series}/{patient}/{number}.dcm"
    client.bucket(bucket).blob(key).upload_from_string(data, "application/dicom")
    return {
        "uri": f"gs://{bucket}/{key}",
        "size": len(data),
        "crc32c": b64encode(Checksum(data).digest()).decode(),
        "sha256": sha256(data),
        "instance_uid": str(ds.SOPInstanceUID),
        "series_uid": str(ds.SeriesInstanceUID),
        "study_uid": str(ds.StudyInstanceUID),
    }
