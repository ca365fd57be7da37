"""The Python package's side of the benchmark, in a warm process; the argument is the URL of what stands for GCS."""

import base64
import logging
import os
import sys
import tempfile
import warnings

import gdcm
import numpy
import pydicom
from cloud_optimized_dicom import metrics
from cloud_optimized_dicom.cod_object import CODObject
from cloud_optimized_dicom.instance import Instance
from cloud_optimized_dicom.thumbnail import generate_thumbnail
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from json_lines import serve
from phantoms import file_of, image

OPTIONS = {"api_endpoint": sys.argv[1]}
CLIENT = storage.Client(project="bench", credentials=AnonymousCredentials(), client_options=OPTIONS)

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def store_files(datastore, paths, encoding):
    """Each file as a series of its own."""
    with tempfile.TemporaryDirectory() as folder:
        if encoding == "jpeg-lossless":
            paths = [as_jpeg_lossless(path, os.path.join(folder, f"{n}.dcm")) for n, path in enumerate(paths)]
        return [store(datastore, [path], compress=encoding == "jpeg-2000") for path in paths]


def store_slices(datastore, slices, encoding):
    """One series of slices through a chest."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [slice_file(os.path.join(folder, f"{n}.dcm"), n, slices) for n in range(slices)]
        return store(datastore, paths, compress=encoding == "jpeg-2000")


def store(datastore, paths, compress):
    """With `compress` as the package does unless it is told otherwise: transcoded to JPEG 2000 lossless."""
    ds = pydicom.dcmread(paths[0], stop_before_pixels=True)
    place = {"datastore": datastore, "studyUid": ds.StudyInstanceUID, "seriesUid": ds.SeriesInstanceUID}
    with opened(place, "a") as cod:
        cod.append([Instance(path) for path in paths], compress=compress)
    return place


def as_jpeg_lossless(path, to):
    """First-order prediction, `.4.70`, as hospitals send it."""
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(path)
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(to)
    assert writer.Write()
    return to


def slice_file(path, number, slices):
    ds = image("slices", number + 1, rows=512, columns=512, sop_class=CT_IMAGE)
    ds.RescaleIntercept, ds.RescaleSlope = "-1024", "1"
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    ds.PixelData = chest_across(number / slices).astype("<u2").tobytes()
    with open(path, "wb") as file:
        file.write(file_of(ds))
    return path


def chest_across(height):
    """12 bits: air is 24, water 1024. Fat, muscle, lungs with vessels, heart, spine, and the noise of a scanner."""
    random = numpy.random.default_rng(int(height * 1e6))
    y, x = numpy.mgrid[-1:1:512j, -1:1:512j]

    def inside(left, top, wide, high):
        return ((x - left) / wide) ** 2 + ((y - top) / high) ** 2 < 1

    picture = numpy.full((512, 512), 24.0)
    picture[inside(0, 0, 0.88, 0.62)] = 930
    picture[inside(0, 0, 0.82, 0.56)] = 1070
    wide = 0.3 + 0.06 * numpy.sin(numpy.pi * height)
    lungs = inside(-0.42, -0.02, wide, 0.44) | inside(0.42, -0.02, wide, 0.44)
    picture[lungs] = 150
    for left, top, size in random.uniform((-0.7, -0.4, 0.005), (0.7, 0.4, 0.025), (60, 3)):
        picture[lungs & inside(left, top, size, size)] = 1050
    picture[inside(0.12, -0.12, 0.14 + 0.16 * height, 0.22)] = 1090
    picture[inside(0, 0.36, 0.11, 0.1)] = 1400
    return numpy.clip(picture + random.normal(0, 22, picture.shape), 0, 4095)


def opened(series, mode):
    return CODObject(series["datastore"], CLIENT, series["studyUid"], series["seriesUid"], mode=mode)


def thumbnails(series):
    """Made, and not stored."""
    for one in series:
        with opened(one, "r") as cod:
            generate_thumbnail(cod)


def file(series):
    with opened(series, "r") as cod, open(generate_thumbnail(cod), "rb") as thumbnail:
        return base64.b64encode(thumbnail.read()).decode()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    metrics.STORAGE_CLASS_COUNTERS["GET"][None] = metrics.STD_GET_COUNTER
    commands = (store_files, store_slices, thumbnails, file)
    serve({"ready": os.getpid, **{command.__name__: command for command in commands}})
