"""The Python package's side of the benchmark, in a warm process; the argument is the URL of what stands for GCS."""

import base64
import gc
import logging
import os
import sys
import tarfile
import tempfile
import time
import warnings

import pydicom
from cloud_optimized_dicom.cod_object import CODObject
from cloud_optimized_dicom.hints import Hints
from cloud_optimized_dicom.instance import Instance
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google_crc32c import Checksum
from pydicom.sequence import Sequence

from json_lines import serve
from phantoms import code, file_of, image, uid

OPTIONS = {"api_endpoint": sys.argv[1]}
CLIENT = storage.Client(project="bench", credentials=AnonymousCredentials(), client_options=OPTIONS)


def make(datastore, name, instances):
    """A series as the package writes it."""
    series = {"datastore": datastore, "studyUid": uid("study", name), "seriesUid": uid("series", name)}
    with tempfile.TemporaryDirectory() as folder, opened(series, "a") as cod:
        cod.append([Instance(slice_file(folder, name, n + 1)) for n in range(instances)], compress=False)
        keys = list(cod.get_instances())
    return {**series, "keys": keys}


def make_files(folder, name, instances, side):
    """DICOM files of a series, of `side` by `side` pixels of 16 bit; UIDs, sizes and CRC32Cs in our words."""
    os.makedirs(folder)
    return [described(slice_file(folder, name, n + 1, side)) for n in range(instances)]


def make_blank_files(folder, name, first, instances, size):
    """The same with `size` bytes of black pixels, numbered from `first`."""
    os.makedirs(folder)
    paths = [os.path.join(folder, f"{number}.dcm") for number in range(first, first + instances)]
    for number, path in enumerate(paths, first):
        ds = image(name, number)
        ds.Rows, ds.Columns, ds.PixelData = size // 2000, 1000, bytes(size)
        with open(path, "wb") as file:
            file.write(file_of(ds))
    return [described(path) for path in paths]


def described(path):
    with open(path, "rb") as file:
        data = file.read()
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    uids = {"instanceUid": ds.SOPInstanceUID, "seriesUid": ds.SeriesInstanceUID, "studyUid": ds.StudyInstanceUID}
    return {"path": path, "hints": {"size": len(data), "crc32c": crc32c(data), **uids}}


def crc32c(data):
    return base64.b64encode(Checksum(data).digest()).decode()


def ingest(datastore, series, hinted):
    """Appends to each of the series what it is said to have, and stores it; how many were new and how many known."""
    new = same = 0
    for one in series:
        with opened({**one, "datastore": datastore}, "a") as cod:
            result = cod.append([instance_at(source, hinted) for source in one["sources"]], compress=False)
        new += len(result.new)
        same += len(result.same)
    return {"new": new, "same": same}


def instance_at(source, hinted):
    names = {"instanceUid": "instance_uid", "seriesUid": "series_uid", "studyUid": "study_uid"}
    hints = {names.get(name, name): value for name, value in source["hints"].items()} if hinted else {}
    return Instance(source["uri"], hints=Hints(**hints), transport_params={"client": CLIENT})


def opened(series, mode):
    return CODObject(series["datastore"], CLIENT, series["studyUid"], series["seriesUid"], mode=mode)


def slice_file(folder, name, number, side=128):
    path = os.path.join(folder, f"{number}.dcm")
    with open(path, "wb") as file:
        file.write(file_of(slice_of(name, number, side)))
    return path


def slice_of(name, number, side):
    """As a scanner writes a slice of a series, but for its size: `side` by `side` pixels of 16 bit."""
    ds = image(name, number, rows=side, columns=side)
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", "HELIX"]
    ds.InstanceCreationDate = ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260102"
    ds.InstanceCreationTime = ds.StudyTime = ds.SeriesTime = "112233.445"
    ds.AcquisitionTime = ds.ContentTime = f"1123{number % 60:02}.{number:06}"
    ds.AccessionNumber = "0123456789"
    ds.Manufacturer = "Phantoms, generated"
    ds.InstitutionName = "Nowhere"
    ds.StudyDescription, ds.SeriesDescription = "Phantom of a chest", "Ramps with noise, 1.0 mm"
    ds.ManufacturerModelName, ds.StationName, ds.SoftwareVersions = "Ramp 2000", "RAMP1", ["1.2.3", "4.5"]
    ds.ReferencedStudySequence = Sequence([reference(name, "study", number)])
    ds.SourceImageSequence = Sequence([reference(name, "source", number + n) for n in range(3)])
    ds.AnatomicRegionSequence = Sequence([code("T-D3000", "SRT", "Chest")])
    ds.ProcedureCodeSequence = Sequence([code("24627-2", "LN", "CT Chest")])
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19700101", "O", "056Y"
    ds.BodyPartExamined, ds.PatientPosition = "CHEST", "HFS"
    ds.SliceThickness, ds.KVP, ds.DataCollectionDiameter = "1.0", "120", "500"
    ds.ProtocolName, ds.ReconstructionDiameter = "Thorax", "352.5"
    ds.GantryDetectorTilt, ds.TableHeight, ds.RotationDirection = "0", "162.5", "CW"
    ds.ExposureTime, ds.XRayTubeCurrent, ds.Exposure = 500, 120 + number % 40, 60
    ds.FilterType, ds.GeneratorPower, ds.FocalSpots = "BODY", 14, "1.2"
    ds.ConvolutionKernel = "B60f"
    ds.SeriesNumber, ds.AcquisitionNumber = 3, 1
    ds.ImagePositionPatient = ["-176.25", "-176.25", f"{-300 + number * 0.7:.4f}"]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.FrameOfReferenceUID = uid(name, "frame of reference")
    ds.SliceLocation = f"{-300 + number * 0.7:.4f}"
    ds.PixelSpacing = ["0.6884765625", "0.6884765625"]
    ds.SmallestImagePixelValue, ds.LargestImagePixelValue = 0, 4095
    ds.WindowCenter, ds.WindowWidth = ["40", "-600"], ["400", "1200"]
    ds.RescaleIntercept, ds.RescaleSlope = "-1024", "1"
    block = ds.private_block(0x0029, "PHANTOM HEADER", create=True)
    block.add_new(0x10, "OB", bytes((number * n) % 251 for n in range(700)))
    return ds


def reference(name, kind, number):
    item = pydicom.Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    item.ReferencedSOPInstanceUID = uid(name, kind, number)
    return item


def load(series, key, tag):
    """Metadata of a whole series, and one tag of one instance."""
    return opened(series, "r").get_instance(key).metadata[tag]["Value"][0]


def load_unsorted(series, key, tag):
    """The same behind the back of `get_instance`, which sorts all instances by their tags first."""
    return opened(series, "r").get_metadata().instances[key].metadata[tag]["Value"][0]


def instance(series, key):
    """All bytes of one instance."""
    cod = opened(series, "r")
    size = cod.get_instance(key).size()
    with cod.open_instance(key) as file:
        data = file.read()[:size]
    return {"size": len(data), "crc32c": crc32c(data)}


def dicom_json(paths):
    """DICOM JSON of files by pydicom, as the package has it made, but for the package's own offset tables."""
    return sum("00080016" in tags_of(path) for path in paths)


def tags_of(path):
    with open(path, "rb") as file, pydicom.dcmread(file, defer_size=1024) as ds:

        def bulk(element):
            with open(path, "rb") as again:
                again.seek(element.file_tell)
                return {"uri": path, "head": again.read(512).decode("utf-8", errors="replace")}

        tags = ds.to_json_dict(bulk_data_element_handler=bulk, suppress_invalid_tags=True)
        tags.update(ds.file_meta.to_json_dict(bulk_data_element_handler=bulk))
        return tags


def members(path):
    """Name, offset and size of what Python finds in a tar."""
    with tarfile.open(path) as tar:
        return [[member.name, member.offset_data, member.size] for member in tar]


def measured(work):
    """What a command cost: seconds, those of all processors, resident memory before, and the most that it was meanwhile."""

    def command(**arguments):
        gc.collect()
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        idle = resident("VmRSS")
        started, cpu_started = time.perf_counter(), time.process_time()
        value = work(**arguments)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        cost = {"seconds": seconds, "cpuSeconds": cpu_seconds}
        return {"value": value, **cost, "idleRssBytes": idle, "peakRssBytes": resident("VmHWM")}

    return command


def resident(name):
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(f"{name}:"))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    works = (load, load_unsorted, instance, dicom_json, ingest)
    commands = {work.__name__: measured(work) for work in works}
    makers = {"make_files": make_files, "make_blank_files": make_blank_files}
    serve({"ready": lambda: None, "make": make, **makers, "members": members, **commands})
