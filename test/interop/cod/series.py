"""Series as `cloud-optimized-dicom` writes them, one kind a function."""

import gzip
import json

from cloud_optimized_dicom.bounding_box import BoundingBox, PixelRedaction
from cloud_optimized_dicom.cod_object import CODObject
from cloud_optimized_dicom.instance import Instance

import phantoms
from phantoms import file_of, image, jpeg, rle, uid, without_pixels
from sources import hashed

JSON_GZIP = {"content_type": "application/json"}


class Series:
    """One series below `gs://bucket/kind`, and the bucket's folder that its sources come from."""

    def __init__(self, client, bucket, kind, hash_func=None):
        self.client, self.bucket, self.kind, self.hash_func = client, client.bucket(bucket), kind, hash_func
        self.datastore = f"gs://{bucket}/{kind}"
        keep = hash_func or (lambda real: real)
        self.study_uid, self.series_uid = keep(uid("study", kind)), keep(uid("series", kind))

    def open(self, mode):
        hashed_uids = self.hash_func is not None
        place = (self.datastore, self.client, self.study_uid, self.series_uid)
        return CODObject(*place, mode=mode, hashed_uids=hashed_uids)

    def put(self, datasets, mode="a", compress=False, folder="incoming"):
        """Appends in a session of its own; whatever did not become new must have been expected."""
        with self.open(mode) as cod:
            result = cod.append([self.source(ds, folder) for ds in datasets], compress=compress)
            if result.errors:
                raise result.errors[0][1]

    def source(self, ds, folder="incoming"):
        key = f"{folder}/{self.kind}/{ds.SOPInstanceUID}.dcm"
        self.bucket.blob(key).upload_from_string(file_of(ds), "application/dicom")
        uri = f"gs://{self.bucket.name}/{key}"
        params = {"client": self.client}
        return Instance(uri, dependencies=[uri], transport_params=params, uid_hash_func=self.hash_func)

    def blob(self, name):
        key = f"{self.kind}/studies/{self.study_uid}/series/{self.series_uid}/{name}"
        return self.bucket.blob(key)

    def rewrite_metadata(self, change):
        """`change` gets the document and the instances as the package loads them."""
        blob = self.blob("metadata.json")
        document = json.loads(blob.download_as_bytes())
        change(document, self.open("r").get_instances(strict_sorting=False))
        blob.content_encoding = "gzip"
        blob.upload_from_string(gzip.compress(json.dumps(document).encode()), **JSON_GZIP)


def one_instance(series):
    series.put([image(series.kind, 1)])


def several_instances(series):
    series.put([image(series.kind, number) for number in (4, 1, 5)])
    series.put([image(series.kind, number) for number in (3, 2)])


def five_sources(kind):
    mono, colour = image(kind, 1, rows=64, columns=64), image(kind, 2, rows=64, columns=64, bits=8, colour=True)
    return [mono, colour, rle(kind, 3, frames=1), jpeg(kind, 4), without_pixels(kind, 5)]


def transcoded_on_ingest(series):
    series.put(five_sources(series.kind), compress=True)


def kept_on_ingest(series):
    series.put(five_sources(series.kind))


def transcoded_then_again(series):
    for _ in range(2):
        series.put([image(series.kind, 1, rows=64, columns=64)], compress=True)


def multiframe_native(series):
    kind = series.kind
    odd = image(kind, 2, frames=3, rows=5, columns=5, bits=8)
    series.put([image(kind, 1, frames=5), odd, image(kind, 3, frames=2, bits=8, colour=True)])


def multiframe_encapsulated(series):
    kind = series.kind
    series.put([
        rle(kind, 1),
        rle(kind, 2, table="none"),
        rle(kind, 3, fragments=2),
        rle(kind, 4, fragments=2, table="none"),
        rle(kind, 5, table="extended"),
        jpeg(kind, 6, frames=4),
        jpeg(kind, 7, frames=4, table="none"),
        rle(kind, 8, frames=1),
    ])


def multiframe_jpeg(series):
    series.put([jpeg(series.kind, 1, frames=10, fragments=4, rows=64, columns=64)])


def of_one(make):
    return lambda series: series.put([make(series.kind, 1)])


def hashed_uids(series):
    series.put([image(series.kind, number) for number in (2, 1)])


def custom_fields(series):
    one_instance(series)
    fields = {
        "label": "Überprüft ✓ 🫁", "score": 0.25, "count": 3, "flag": True, "nothing": None,
        "list": [1, [2, {}]], "nested": {"a": {"b": []}}, "large": 2**63 + 1,
    }
    with series.open("a") as cod:
        for name, value in fields.items():
            cod.add_metadata_field(name, value)


def thumbnail(*instances):
    def write(series):
        series.put([make(series.kind) for make in instances])
        with series.open("a") as cod:
            cod.get_thumbnail()
    return write


def diff_hash_dupe(series):
    other = image(series.kind, 1)
    other.PatientID = "another"
    series.put([image(series.kind, 1)])
    series.put([image(series.kind, 1)])
    series.put([other], folder="later")


def v1_metadata(series):
    series.put([image(series.kind, 2), image(series.kind, 1), rle(series.kind, 3)])
    series.rewrite_metadata(as_v1)


def as_v1(document, instances):
    document["cod"]["instances"] = {key: instance.to_cod_dict_v1() for key, instance in instances.items()}
    document["note"] = "v1"


def mixed_versions(series):
    """v2.0, v1.0, and v1.0 that does not say so."""
    def change(document, instances):
        keys = list(instances)
        for key in keys[1:]:
            document["cod"]["instances"][key] = instances[key].to_cod_dict_v1()
        del document["cod"]["instances"][keys[2]]["version"]
    series.put([image(series.kind, number) for number in (3, 1, 2)])
    series.rewrite_metadata(change)


def rewritten_smaller(series):
    sources = [image(series.kind, number) for number in (1, 2, 3, 4)]
    series.put(sources)
    with series.open("a") as cod:
        cod.get_thumbnail()
        cod.add_metadata_field("note", "gone")
    series.put(sources[:2], mode="w")


def emptied(series):
    """The package's mode "w" without an append: metadata without instances beside the old tar."""
    one_instance(series)
    with series.open("w"):
        pass


def redacted_in_place(series):
    sources = [image(series.kind, number, rows=32, columns=32) for number in (1, 2)]
    series.put(sources)
    with series.open("e") as cod:
        box = PixelRedaction(BoundingBox(x=2, y=3, width=8, height=4), applies_to=[sources[0].SOPInstanceUID])
        cod.redact_pixel_data([box], reviewer="interop")


def by_slice_location(series):
    """InstanceNumber is missing in one of them."""
    sources = [image(series.kind, number) for number in (1, 2, 3)]
    for source, location in zip(sources, ("7.5", "-2", "0")):
        source.SliceLocation = location
    del sources[1].InstanceNumber
    series.put(sources)


def not_sortable(series):
    sources = [image(series.kind, number) for number in (3, 1, 2)]
    del sources[1].InstanceNumber
    series.put(sources)


def hanging_lock(name):
    def write(series):
        one_instance(series)
        body = gzip.compress(series.blob("metadata.json").download_as_bytes())
        lock = series.blob(name)
        lock.content_encoding = "gzip"
        lock.upload_from_string(body, **JSON_GZIP)
    return write


KINDS = {
    "one-instance": one_instance,
    "several-instances": several_instances,
    "transcoded-on-ingest": transcoded_on_ingest,
    "transcoded-then-again": transcoded_then_again,
    "kept-on-ingest": kept_on_ingest,
    "multiframe-native": multiframe_native,
    "multiframe-encapsulated": multiframe_encapsulated,
    "multiframe-jpeg": multiframe_jpeg,
    "implicit-rtdose": of_one(phantoms.rt_dose),
    "big-endian": of_one(phantoms.big_endian),
    "deflated": of_one(phantoms.deflated),
    "structured-report": of_one(phantoms.structured_report),
    "every-vr": of_one(phantoms.every_vr),
    "hashed-uids": hashed_uids,
    "custom-fields": custom_fields,
    "thumbnail-jpg": thumbnail(lambda kind: image(kind, 1, rows=96, columns=48)),
    "thumbnail-mp4": thumbnail(
        lambda kind: image(kind, 1),
        lambda kind: image(kind, 2, frames=4),
        lambda kind: image(kind, 3),
        lambda kind: without_pixels(kind, 4),
    ),
    "diff-hash-dupe": diff_hash_dupe,
    "v1-metadata": v1_metadata,
    "mixed-versions": mixed_versions,
    "rewritten-smaller": rewritten_smaller,
    "emptied": emptied,
    "redacted-in-place": redacted_in_place,
    "by-slice-location": by_slice_location,
    "not-sortable": not_sortable,
    "error-log": one_instance,
    "hanging-gradient-lock": hanging_lock(".gradient.lock"),
    "hanging-cod-lock": hanging_lock(".cod.lock"),
}
