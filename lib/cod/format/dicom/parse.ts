import { constants, inflateRawSync } from "node:zlib"
import { InvalidDicom, TooLarge } from "../errors.ts"
import { looksImplicit, readDataSet, readItems } from "./data-set.ts"
import { elementReader } from "./element-reader.ts"
import { type DataElement, type DataSet, DICOM_LIMITS, type DicomFile, type DicomLimits } from "./model.ts"
import { latin1 } from "./text.ts"
import { firstUid } from "./uids.ts"

const PREAMBLE_BYTES = 128
const PREFIX = "DICM"
/** What comes before file meta information (PS3.10, section 7.1). */
export const PREFIX_END = PREAMBLE_BYTES + PREFIX.length
const IMPLICIT = "1.2.840.10008.1.2"
const BIG_ENDIAN = "1.2.840.10008.1.2.2"
const DEFLATED = "1.2.840.10008.1.2.1.99"

/**
 * Reads the structure of a DICOM file (PS3.10, section 7): any preamble, file meta information, and a data set in
 * implicit VR, explicit VR of either byte order, or deflated. Values stay where they are: `bytes` may be a mapped
 * file, of which only the headers of elements are touched.
 *
 * @throws InvalidDicom for anything else, and for a file that is cut off; facts: offset, tag
 * @throws TooLarge beyond `limits`
 */
export function parseDicom(bytes: Uint8Array, limits: Partial<DicomLimits> = {}): DicomFile {
  const allLimits = { ...DICOM_LIMITS, ...limits }
  const { meta, end } = readMeta(bytes, allLimits)
  const transferSyntax = transferSyntaxOf(meta)
  const deflated = isDeflated(transferSyntax)
  const content = deflated ? inflate(bytes.subarray(end), allLimits) : bytes
  const start = deflated ? 0 : end
  const dataSet = readContent(content, start, transferSyntax, allLimits)
  return { bytes, deflated, transferSyntax, meta, dataSet, limits: allLimits }
}

/**
 * Items of a sequence, in whichever way it was written.
 *
 * @throws InvalidDicom, TooLarge when they cannot be read
 */
export function sequenceItems(
  dataSet: DataSet,
  element: DataElement,
  limits: DicomLimits,
): readonly DataSet[] {
  if (element.items !== undefined) return element.items
  const reader = elementReader(dataSet.content, dataSet.littleEndian, limits)
  const implicit = dataSet.implicit || element.vr === undefined
  return readItems(reader, element, { implicit, depth: dataSet.depth + 1 })
}

/**
 * File meta information, and where it ends.
 * @throws InvalidDicom, TooLarge
 */
export function readMeta(bytes: Uint8Array, limits: DicomLimits): { meta: DataSet; end: number } {
  const start = PREFIX_END
  if (latin1(bytes.subarray(PREAMBLE_BYTES, start)) !== PREFIX) {
    throw new InvalidDicom(`no ${PREFIX} at offset ${PREAMBLE_BYTES}`, { facts: { offset: PREAMBLE_BYTES } })
  }
  const { dataSet, end } = readDataSet(elementReader(bytes, true, limits), {
    start,
    end: bytes.length,
    implicit: looksImplicit(bytes, start),
    depth: 0,
    endsBefore: (tag) => tag >>> 16 !== 2,
  })
  return { meta: dataSet, end }
}

/** @throws InvalidDicom when file meta information does not tell it */
export function transferSyntaxOf(meta: DataSet): string {
  const transferSyntax = firstUid(meta, 0x00020010)
  if (transferSyntax !== undefined) return transferSyntax
  throw new InvalidDicom("no Transfer Syntax UID (0002,0010)", { facts: { tag: "(0002,0010)" } })
}

export function isDeflated(transferSyntax: string): boolean {
  return transferSyntax === DEFLATED
}

/**
 * The data set from `start` on. What is written goes before what is announced: implicit VR under the name of explicit VR,
 * and the other way round.
 * @param endsBefore where this says so of a tag the rest is not read
 * @throws InvalidDicom, TooLarge
 */
export function readContent(
  content: Uint8Array,
  start: number,
  transferSyntax: string,
  limits: DicomLimits,
  endsBefore?: (tag: number) => boolean,
): DataSet {
  const announced = transferSyntax === IMPLICIT
  const implicit = content.length - start < 6 ? announced : looksImplicit(content, start)
  if (content.length === 0) return { content, littleEndian: true, implicit, depth: 0, elements: new Map() }
  const reader = elementReader(content, transferSyntax !== BIG_ENDIAN, limits)
  const extent = { start, end: content.length, implicit, depth: 0, ...(endsBefore && { endsBefore }) }
  return readDataSet(reader, extent).dataSet
}

/**
 * A deflated data set, or with `isBeginning` as much of it as these bytes tell.
 * @throws InvalidDicom, TooLarge
 */
export function inflate(
  deflated: Uint8Array,
  { inflatedBytes: limit }: DicomLimits,
  { isBeginning = false }: { readonly isBeginning?: boolean } = {},
): Uint8Array {
  const finishFlush = isBeginning ? constants.Z_SYNC_FLUSH : constants.Z_FINISH
  try {
    return inflateRawSync(deflated, { maxOutputLength: limit, finishFlush })
  } catch (cause) {
    if (cause instanceof RangeError) throw new TooLarge("a deflated data set", limit, { cause })
    throw new InvalidDicom("the deflated data set cannot be inflated", { cause })
  }
}
