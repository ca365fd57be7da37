import type { DataSet, DicomFile } from "./model.ts"
import { latin1, trimPadding } from "./text.ts"

export const STUDY_UID = 0x0020000d
export const SERIES_UID = 0x0020000e
export const INSTANCE_UID = 0x00080018

/** UIDs of a file as they stand in it, valid or not; undefined where there is none. */
export interface DicomUids {
  readonly studyUid: string | undefined
  readonly seriesUid: string | undefined
  readonly instanceUid: string | undefined
}

export function uidsOf({ dataSet }: DicomFile): DicomUids {
  return {
    studyUid: firstUid(dataSet, STUDY_UID),
    seriesUid: firstUid(dataSet, SERIES_UID),
    instanceUid: firstUid(dataSet, INSTANCE_UID),
  }
}

/** Value of an element of VR UI without its padding, undefined where it is absent or empty. */
export function firstUid(dataSet: DataSet, tag: number): string | undefined {
  const element = dataSet.elements.get(tag)
  if (element === undefined || element.undefinedLength) return undefined
  const value = latin1(dataSet.content.subarray(element.start, element.end))
  const uid = trimPadding(value.split("\\", 1)[0] ?? "").trimStart()
  return uid === "" ? undefined : uid
}
