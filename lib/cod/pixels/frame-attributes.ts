import type { DataSet, DicomFile } from "../format/dicom/model.ts"
import { sequenceItems } from "../format/dicom/parse.ts"

const SHARED_GROUPS = 0x52009229
const PER_FRAME_GROUPS = 0x52009230

/**
 * Where an attribute of a frame may stand, the nearest first: in a functional group of the frame, or of all frames
 * (PS3.3, section C.7.6.16), or in the data set.
 * @param group the functional group's sequence
 * @throws InvalidDicom, TooLarge for sequences that do not hold together
 */
export function frameAttributes(file: DicomFile, frame: number, group: number): DataSet[] {
  const perFrame = itemsOf(file, file.dataSet, PER_FRAME_GROUPS)[frame]
  const [shared] = itemsOf(file, file.dataSet, SHARED_GROUPS)
  const groups = [perFrame, shared].flatMap((item) => (item ? itemsOf(file, item, group).slice(0, 1) : []))
  return [...groups, file.dataSet]
}

/** Items of a sequence, none where there is none. @throws InvalidDicom, TooLarge */
export function itemsOf(file: DicomFile, dataSet: DataSet, tag: number): readonly DataSet[] {
  const items = known.get(dataSet)?.get(tag) ?? readItems(file, dataSet, tag)
  const read = known.get(dataSet) ?? new Map<number, readonly DataSet[]>()
  known.set(dataSet, read.set(tag, items))
  return items
}

// Each of a thousand frames asks for the groups of all of them.
const known = new WeakMap<DataSet, Map<number, readonly DataSet[]>>()

function readItems(file: DicomFile, dataSet: DataSet, tag: number): readonly DataSet[] {
  const element = dataSet.elements.get(tag)
  if (element === undefined || element.fragments !== undefined) return []
  return sequenceItems(dataSet, element, file.limits)
}
