"""DICOM instances whose pixels are generated: ramps with noise. The same arguments make the same bytes."""

import io
from hashlib import sha256
from zlib import crc32

import cv2
import numpy
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"


def uid(*words):
    """A UID made of 128 bits (PS3.5 section B.2), the same for the same words."""
    return f"2.25.{int(sha256(repr(words).encode()).hexdigest()[:32], 16)}"


def without_pixels(series, number, sop_class=SECONDARY_CAPTURE, syntax=ExplicitVRLittleEndian):
    """The `number`-th instance of `series`, any text."""
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = uid("instance", series, number)
    ds.StudyInstanceUID = uid("study", series)
    ds.SeriesInstanceUID = uid("series", series)
    ds.Modality = "OT"
    ds.PatientName = "Phantom^Interop"
    ds.PatientID = "interop"
    ds.InstanceNumber = number
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def image(
    series, number, frames=1, rows=16, columns=16, bits=16, colour=False, syntax=ExplicitVRLittleEndian,
    sop_class=SECONDARY_CAPTURE,
):
    """Native pixel data; `bits` are allocated."""
    ds = without_pixels(series, number, sop_class, syntax)
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.Rows = rows
    ds.Columns = columns
    ds.BitsAllocated = bits
    ds.BitsStored = 12 if bits == 16 else bits
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = 0
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    samples = pixels(series, number, frames, rows, columns, ds.SamplesPerPixel, ds.BitsStored)
    value = samples.astype(f"{order}u{bits // 8}").tobytes()
    ds.PixelData = value + b"\0" * (len(value) % 2)
    ds["PixelData"].VR = "OW" if bits > 8 else "OB"
    return ds


def pixels(series, number, frames, rows, columns, samples, bits):
    """(frames, rows, columns, samples)"""
    noise = numpy.random.default_rng(crc32(f"{series}/{number}".encode()))
    ramp = numpy.linspace(0, 0.9, rows * columns * samples).reshape(1, rows, columns, samples)
    shift = numpy.arange(frames).reshape(frames, 1, 1, 1) / (20 * frames)
    noisy = ramp + shift + noise.uniform(0, 0.05, (frames, rows, columns, samples))
    return (noisy * (2**bits - 1)).astype("u8")


def rle(series, number, frames=4, fragments=1, table="basic"):
    """16 by 16 of 16 bit; `table` is "basic", "extended" or "none"."""
    ds = image(series, number, frames, syntax=ExplicitVRLittleEndian)
    encoded = list(RLELosslessEncoder.iter_encode(ds))
    return encapsulated(ds, RLELossless, encoded, fragments, table)


def jpeg(series, number, frames=1, fragments=1, table="basic", rows=32, columns=24):
    """JPEG Baseline, 8 bit grey; lossy."""
    ds = image(series, number, frames, rows, columns, bits=8)
    ds.LossyImageCompression = "01"
    samples = pixels(series, number, frames, rows, columns, 1, 8).astype("u1")
    encoded = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in samples]
    return encapsulated(ds, JPEGBaseline8Bit, encoded, fragments, table)


def encapsulated(ds, syntax, frames, fragments, table):
    ds.file_meta.TransferSyntaxUID = syntax
    if table == "extended":
        value, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    else:
        value = encapsulate(frames, fragments_per_frame=fragments, has_bot=table == "basic")
    ds.PixelData = value
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return ds


def rt_dose(series, number):
    """Implicit VR, 15 native frames of 32 bit."""
    return image(series, number, 15, 10, 10, 32, syntax=ImplicitVRLittleEndian, sop_class=RT_DOSE)


def big_endian(series, number):
    return image(series, number, syntax=ExplicitVRBigEndian)


def deflated(series, number):
    return image(series, number, rows=64, columns=64, syntax=DeflatedExplicitVRLittleEndian)


def structured_report(series, number):
    ds = without_pixels(series, number, BASIC_TEXT_SR)
    ds.Modality = "SR"
    ds.ContentDate, ds.ContentTime = "20260101", "120000.5"
    ds.ValueType = "CONTAINER"
    ds.ConceptNameCodeSequence = Sequence([code("121070", "DCM", "Findings")])
    ds.ContinuityOfContent = "SEPARATE"
    items = []
    for n in range(3):
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
        item.ConceptNameCodeSequence = Sequence([code("121071", "DCM", "Finding")])
        item.TextValue = f"Nothing to be seen in phantom {n},\r\nin two lines.\\ "
        items.append(item)
    ds.ContentSequence = Sequence(items)
    return ds


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def every_vr(series, number):
    """Values that are easily got wrong: character sets, 64 bits, what is empty, private, nested or not a number."""
    ds = image(series, number)
    ds.SpecificCharacterSet = ["ISO 2022 IR 6", "ISO 2022 IR 87"]
    ds.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    ds.ReferringPhysicianName = ""
    ds.OtherPatientNames = ["One^A", "Two^B^^Dr"]
    ds.PatientBirthDate = ""
    ds.PatientAge = "045Y"
    ds.PatientComments = "日本語 and Latin\r\nsecond line"
    ds.ImageType = ["DERIVED", "", "AXIAL"]
    ds.PixelSpacing = ["0.1", "1e-07"]
    ds.SliceThickness = "-0.0"
    ds.FrameIncrementPointer = [0x00181063, 0x7FE00010]
    ds.add_new(0x00189073, "FD", 1.5)  # AcquisitionDuration
    ds.add_new(0x00089459, "FL", 0.1)  # RecommendedDisplayFrameRateInFloat
    ds.add_new(0x00189074, "DT", "20260101120000.123456+0100")
    ds.add_new(0x00189602, "FD", [float("nan"), float("inf"), float("-inf")])  # DiffusionBValueXX
    ds.add_new(0x00080301, "US", 7)
    ds.add_new(0x7FE00001, "OV", (2**63 + 1).to_bytes(8, "little"))
    ds.add_new(0x0040A161, "UR", "https://example.org/?a=1\\b")
    ds.add_new(0x00189810, "SS", -3)
    ds.add_new(0x00221452, "SV", [-(2**63), 2**63 - 1, 5])
    ds.LongCodeValue = ["long", "values"]
    ds.add_new(0x0072008F, "UV", [2**63 + 1, 9007199254740993])
    ds.add_new(0x00282000, "OB", b"\x01\x02" * 384)  # 768 bytes: the most that stay inline
    ds.add_new(0x00420011, "OB", b"\xef\xbb\xbf\xff\x00text" * 100)  # beyond
    block = ds.private_block(0x0029, "INTEROP CREATOR", create=True)
    block.add_new(0x10, "LO", "private")
    block.add_new(0x11, "UN", b"\x00\x01\x02\x03")
    inner = Dataset()
    inner.CodeMeaning = "漢字"
    inner.ReferencedSOPInstanceUID = uid("referenced")
    outer = Dataset()
    outer.PurposeOfReferenceCodeSequence = Sequence([inner, Dataset()])
    ds.ReferencedImageSequence = Sequence([outer])
    ds.ReferencedStudySequence = Sequence([])
    return ds


def file_of(ds):
    """Bytes of the DICOM file (PS3.10)."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
