import type { Dataset } from "./dicom-writer.ts"
import { FIELD } from "./phantom-canvas.ts"
import { MAX_VALUE, type Picture } from "./phantom-image.ts"

/** All that is said of a phantom. */
export interface Phantom extends Picture {
  /** CR: Computed Radiography Image Storage. DX: Digital X-Ray Image Storage - For Presentation. */
  readonly modality: "CR" | "DX"
  readonly photometric: "MONOCHROME1" | "MONOCHROME2"
  readonly studyUid: string
  readonly seriesUid: string
  readonly instanceUid: string
  readonly seriesNumber: number
  readonly studyDescription: string
  /** `YYYYMMDD` */
  readonly studyDate: string
}

const SOP_CLASSES = {
  CR: "1.2.840.10008.5.1.4.1.1.1",
  DX: "1.2.840.10008.5.1.4.1.1.1.1",
} as const

/**
 * All attributes of a phantom but its pixels: every Type 1 and Type 2 attribute of the mandatory modules of
 * the CR and DX IODs (PS3.3 A.2 and A.26), and what viewers like to show.
 */
export function phantomAttributes(phantom: Phantom): Dataset {
  return {
    ...patient(phantom),
    ...study(phantom),
    ...series(phantom),
    ...equipment(phantom),
    ...image(phantom),
    ...pixels(phantom),
    ...presentation(phantom),
    ...(phantom.modality === "DX" ? digitalXRay(phantom) : {}),
    SpecificCharacterSet: "ISO_IR 192",
    SOPClassUID: SOP_CLASSES[phantom.modality],
    SOPInstanceUID: phantom.instanceUid,
  }
}

/** Patient and Patient Study modules (C.7.1.1, C.7.2.2). */
const patient = ({ seed }: Phantom): Dataset => ({
  PatientName: `PHANTOM^SEED ${seed}`,
  PatientID: `PHANTOM-${seed}`,
  PatientBirthDate: "",
  PatientSex: "O",
  PatientAge: `0${20 + (seed % 70)}Y`,
})

/** General Study module (C.7.2.1). */
const study = ({ seed, studyUid, studyDate, studyDescription }: Phantom): Dataset => ({
  StudyInstanceUID: studyUid,
  StudyDate: studyDate,
  StudyTime: "101500",
  ReferringPhysicianName: "",
  StudyID: `P${seed}`,
  AccessionNumber: "",
  StudyDescription: studyDescription,
})

/** General Series and CR Series modules (C.7.3.1, C.8.1.1). */
const series = ({ modality, seriesUid, seriesNumber, studyDate, view }: Phantom): Dataset => ({
  Modality: modality,
  SeriesInstanceUID: seriesUid,
  SeriesNumber: seriesNumber,
  SeriesDate: studyDate,
  SeriesTime: "101600",
  SeriesDescription: `CHEST ${view}`,
  BodyPartExamined: "CHEST",
  ViewPosition: VIEWS[view].position,
})

/** General Equipment module (C.7.5.1). */
const equipment = ({ modality }: Phantom): Dataset => ({
  Manufacturer: "Phantom Works",
  InstitutionName: "Phantom Hospital",
  StationName: `PHANTOM-${modality}`,
  ManufacturerModelName: "Chest Phantom",
  DeviceSerialNumber: "1",
  SoftwareVersions: "1",
})

/** General Image and CR Image modules (C.7.6.1, C.8.1.2). */
const image = ({ instanceNumber, studyDate, view, rows, columns }: Phantom): Dataset => ({
  InstanceNumber: instanceNumber,
  ImageType: ["ORIGINAL", "PRIMARY"],
  PatientOrientation: VIEWS[view].orientation,
  AcquisitionDate: studyDate,
  AcquisitionTime: "101700",
  ContentDate: studyDate,
  ContentTime: "101700",
  BurnedInAnnotation: "NO",
  LossyImageCompression: "00",
  KVP: 120,
  DistanceSourceToDetector: 1800,
  ImagerPixelSpacing: pixelSpacing(rows, columns),
})

/** Image Pixel module (C.7.6.3). */
const pixels = ({ rows, columns, photometric }: Phantom): Dataset => ({
  SamplesPerPixel: 1,
  PhotometricInterpretation: photometric,
  Rows: rows,
  Columns: columns,
  BitsAllocated: 16,
  BitsStored: 12,
  HighBit: 11,
  PixelRepresentation: 0,
})

/** Modality LUT and VOI LUT modules (C.11.1, C.11.2): all 12 bits are shown. */
const presentation = (_: Phantom): Dataset => ({
  RescaleIntercept: 0,
  RescaleSlope: 1,
  RescaleType: "US",
  WindowCenter: (MAX_VALUE + 1) / 2,
  WindowWidth: MAX_VALUE + 1,
  WindowCenterWidthExplanation: "NORMAL",
})

/**
 * DX Series, DX Anatomy Imaged, DX Image, DX Detector, DX Positioning, Acquisition Context (C.8.11,
 * C.7.6.14).
 */
const digitalXRay = ({ photometric, view }: Phantom): Dataset => ({
  PresentationIntentType: "FOR PRESENTATION",
  ImageLaterality: "U",
  AnatomicRegionSequence: [code("816094009", "Chest")],
  ImageType: ["ORIGINAL", "PRIMARY", ""],
  PixelIntensityRelationship: "LOG",
  // Whether lower values mean less radiation at the detector (1) or more (-1).
  PixelIntensityRelationshipSign: photometric === "MONOCHROME1" ? 1 : -1,
  PresentationLUTShape: photometric === "MONOCHROME1" ? "INVERSE" : "IDENTITY",
  PositionerType: "COLUMN",
  DetectorType: "SCINTILLATOR",
  ViewCodeSequence: [{ ...VIEWS[view].code, ViewModifierCodeSequence: [] }],
  AcquisitionContextSequence: [],
})

const code = (value: string, meaning: string): Dataset => ({
  CodeValue: value,
  CodingSchemeDesignator: "SCT",
  CodeMeaning: meaning,
})

/** View positions, directions of rows and columns (C.7.6.1.1.1) and codes of PS3.16 CID 4010. */
const VIEWS = {
  PA: { position: "PA", orientation: ["L", "F"], code: code("272479007", "postero-anterior") },
  LATERAL: { position: "LL", orientation: ["P", "F"], code: code("399173006", "left lateral") },
}

/** At the detector, in mm; at most 16 characters a number (PS3.5 section 6.2, DS). */
function pixelSpacing(rows: number, columns: number): string[] {
  const spacing = (10 * Math.max(FIELD.width / columns, FIELD.height / rows)).toPrecision(8)
  return [spacing, spacing]
}
