import { InvalidDicom } from "../errors.ts"
import { isPathSegment } from "../uid.ts"
import { NUMBER_OF_FRAMES, numberOfFrames } from "./frames.ts"
import { type DataSet, DICOM_LIMITS, type DicomLimits, tagText } from "./model.ts"
import { inflate, isDeflated, PREFIX_END, readContent, readMeta, transferSyntaxOf } from "./parse.ts"
import { firstUid, INSTANCE_UID, SERIES_UID, STUDY_UID } from "./uids.ts"

/** Where a DICOM file belongs, and what it holds. */
export interface DicomHeader {
  readonly studyUid: string
  readonly seriesUid: string
  readonly instanceUid: string
  readonly transferSyntax: string
  /** (0028,0008); 1 where the file does not tell how many. */
  readonly frames: number
}

/**
 * Reads what a DICOM file says of itself from its beginning: up to (0028,0008), which comes before the pixels, for elements
 * stand in the order of their tags (PS3.5, section 7.1). What follows is not looked at.
 *
 * @param size bytes of the whole file
 * @returns undefined when it goes on behind `beginning`: come with more. Never for a whole file.
 * @throws InvalidDicom when it is none, is cut off or does not hold together, or lacks one of the UIDs
 * @throws TooLarge when it is hostile
 */
export function readHeader(beginning: Uint8Array, size: number): DicomHeader | undefined {
  const part = { bytes: beginning, isWhole: beginning.length >= size }
  if (!part.isWhole && beginning.length < PREFIX_END) return undefined
  const found = unlessCutOff(part, () => readMeta(beginning, LIMITS))
  if (found === undefined) return undefined
  const { meta, end } = found
  // Where no other element was seen, there may be another one of them.
  if (!part.isWhole && beginning.length - end < LEAST_ELEMENT) return undefined
  const transferSyntax = transferSyntaxOf(meta)
  const dataSet = isDeflated(transferSyntax)
    ? readDeflated({ ...part, bytes: beginning.subarray(end) }, transferSyntax)
    : readUpToFrames(part, end, transferSyntax)
  return dataSet && headerOf(dataSet, transferSyntax)
}

/** The beginning of something, or all of it. */
interface Part {
  readonly bytes: Uint8Array
  readonly isWhole: boolean
}

// Deflated data shrink to a thousandth at the most: nobody's header is longer.
const LIMITS: DicomLimits = { ...DICOM_LIMITS, inflatedBytes: 64 << 20 }

/** Tag and length. */
const LEAST_ELEMENT = 8

const FIRST_DEFLATED_BYTES = 4096

/** Inflates no more than it needs: the pixels behind the header may have been made to become a thousand times longer. */
function readDeflated(deflated: Part, transferSyntax: string): DataSet | undefined {
  for (let length = FIRST_DEFLATED_BYTES; ; length *= 2) {
    const isAll = length >= deflated.bytes.length
    const isWhole = isAll && deflated.isWhole
    const bytes = inflate(deflated.bytes.subarray(0, length), LIMITS, { isBeginning: !isWhole })
    const dataSet = readUpToFrames({ bytes, isWhole }, 0, transferSyntax)
    if (dataSet !== undefined || isAll) return dataSet
  }
}

function readUpToFrames(part: Part, start: number, transferSyntax: string): DataSet | undefined {
  let isPassed = part.isWhole
  const endsBefore = (tag: number) => {
    const isBehind = tag > NUMBER_OF_FRAMES
    isPassed ||= isBehind
    return isBehind
  }
  const dataSet = unlessCutOff(part, () => readContent(part.bytes, start, transferSyntax, LIMITS, endsBefore))
  return isPassed ? dataSet : undefined
}

/** Undefined where nothing is wrong but that the part ends. */
function unlessCutOff<T>({ bytes, isWhole }: Part, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!isWhole && error instanceof InvalidDicom && error.facts.end === bytes.length) return undefined
    throw error
  }
}

function headerOf(dataSet: DataSet, transferSyntax: string): DicomHeader {
  return {
    studyUid: requireUid(dataSet, STUDY_UID, "Study Instance UID"),
    seriesUid: requireUid(dataSet, SERIES_UID, "Series Instance UID"),
    instanceUid: requireUid(dataSet, INSTANCE_UID, "SOP Instance UID"),
    transferSyntax,
    frames: numberOfFrames(dataSet) ?? 1,
  }
}

/** As it stands there, for archives hold many that are not quite UIDs; but one that can be the name of something. */
function requireUid(dataSet: DataSet, tag: number, name: string): string {
  const uid = firstUid(dataSet, tag)
  if (uid !== undefined && isPathSegment(uid)) return uid
  const why = uid === undefined ? "no" : "no usable"
  throw new InvalidDicom(`${why} ${name} ${tagText(tag)}`, { facts: { tag: tagText(tag) } })
}
