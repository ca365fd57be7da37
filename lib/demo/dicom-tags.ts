/** Value representations that the demo writes (PS3.5 section 6.2). */
export type Vr =
  | "AS"
  | "CS"
  | "DA"
  | "DS"
  | "IS"
  | "LO"
  | "OB"
  | "OW"
  | "PN"
  | "SH"
  | "SQ"
  | "ST"
  | "TM"
  | "UI"
  | "SS"
  | "UL"
  | "US"

/** Keyword to tag and VR of every attribute that a phantom carries (PS3.6 chapters 6 and 7). */
export const TAGS = {
  FileMetaInformationGroupLength: [0x0002_0000, "UL"],
  FileMetaInformationVersion: [0x0002_0001, "OB"],
  MediaStorageSOPClassUID: [0x0002_0002, "UI"],
  MediaStorageSOPInstanceUID: [0x0002_0003, "UI"],
  TransferSyntaxUID: [0x0002_0010, "UI"],
  ImplementationClassUID: [0x0002_0012, "UI"],
  ImplementationVersionName: [0x0002_0013, "SH"],

  SpecificCharacterSet: [0x0008_0005, "CS"],
  ImageType: [0x0008_0008, "CS"],
  SOPClassUID: [0x0008_0016, "UI"],
  SOPInstanceUID: [0x0008_0018, "UI"],
  StudyDate: [0x0008_0020, "DA"],
  SeriesDate: [0x0008_0021, "DA"],
  AcquisitionDate: [0x0008_0022, "DA"],
  ContentDate: [0x0008_0023, "DA"],
  StudyTime: [0x0008_0030, "TM"],
  SeriesTime: [0x0008_0031, "TM"],
  AcquisitionTime: [0x0008_0032, "TM"],
  ContentTime: [0x0008_0033, "TM"],
  AccessionNumber: [0x0008_0050, "SH"],
  Modality: [0x0008_0060, "CS"],
  PresentationIntentType: [0x0008_0068, "CS"],
  Manufacturer: [0x0008_0070, "LO"],
  InstitutionName: [0x0008_0080, "LO"],
  ReferringPhysicianName: [0x0008_0090, "PN"],
  CodeValue: [0x0008_0100, "SH"],
  CodingSchemeDesignator: [0x0008_0102, "SH"],
  CodeMeaning: [0x0008_0104, "LO"],
  StationName: [0x0008_1010, "SH"],
  StudyDescription: [0x0008_1030, "LO"],
  SeriesDescription: [0x0008_103e, "LO"],
  ManufacturerModelName: [0x0008_1090, "LO"],
  AnatomicRegionSequence: [0x0008_2218, "SQ"],

  PatientName: [0x0010_0010, "PN"],
  PatientID: [0x0010_0020, "LO"],
  PatientBirthDate: [0x0010_0030, "DA"],
  PatientSex: [0x0010_0040, "CS"],
  PatientAge: [0x0010_1010, "AS"],

  BodyPartExamined: [0x0018_0015, "CS"],
  KVP: [0x0018_0060, "DS"],
  DeviceSerialNumber: [0x0018_1000, "LO"],
  SoftwareVersions: [0x0018_1020, "LO"],
  DistanceSourceToDetector: [0x0018_1110, "DS"],
  ImagerPixelSpacing: [0x0018_1164, "DS"],
  PositionerType: [0x0018_1508, "CS"],
  ViewPosition: [0x0018_5101, "CS"],
  DetectorType: [0x0018_7004, "CS"],

  StudyInstanceUID: [0x0020_000d, "UI"],
  SeriesInstanceUID: [0x0020_000e, "UI"],
  StudyID: [0x0020_0010, "SH"],
  SeriesNumber: [0x0020_0011, "IS"],
  InstanceNumber: [0x0020_0013, "IS"],
  PatientOrientation: [0x0020_0020, "CS"],
  ImageLaterality: [0x0020_0062, "CS"],

  SamplesPerPixel: [0x0028_0002, "US"],
  PhotometricInterpretation: [0x0028_0004, "CS"],
  Rows: [0x0028_0010, "US"],
  Columns: [0x0028_0011, "US"],
  BitsAllocated: [0x0028_0100, "US"],
  BitsStored: [0x0028_0101, "US"],
  HighBit: [0x0028_0102, "US"],
  PixelRepresentation: [0x0028_0103, "US"],
  BurnedInAnnotation: [0x0028_0301, "CS"],
  PixelIntensityRelationship: [0x0028_1040, "CS"],
  PixelIntensityRelationshipSign: [0x0028_1041, "SS"],
  WindowCenter: [0x0028_1050, "DS"],
  WindowWidth: [0x0028_1051, "DS"],
  RescaleIntercept: [0x0028_1052, "DS"],
  RescaleSlope: [0x0028_1053, "DS"],
  RescaleType: [0x0028_1054, "LO"],
  WindowCenterWidthExplanation: [0x0028_1055, "LO"],
  LossyImageCompression: [0x0028_2110, "CS"],

  AcquisitionContextSequence: [0x0040_0555, "SQ"],
  ViewCodeSequence: [0x0054_0220, "SQ"],
  ViewModifierCodeSequence: [0x0054_0222, "SQ"],
  PresentationLUTShape: [0x2050_0020, "CS"],
  PixelData: [0x7fe0_0010, "OW"],
  DataSetTrailingPadding: [0xfffc_fffc, "OB"],
} as const satisfies Record<string, readonly [tag: number, vr: Vr]>

export type Keyword = keyof typeof TAGS
