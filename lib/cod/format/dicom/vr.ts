import { type Charsets, decodeText } from "./charset.ts"
import { isPrivate, isPrivateCreator, privateVr, publicVr } from "./dictionary.ts"
import type { DataElement, DataSet } from "./model.ts"
import { PIXEL_DATA } from "./pixel-data.ts"
import { trimPadding } from "./text.ts"

/** A data set with what its elements need to know of it and of the sequences around it. */
export interface Scope {
  readonly dataSet: DataSet
  readonly charsets: Charsets
  /** (0028,0103), here or else nearest around: 0 for unsigned pixels, 1 for signed ones. */
  readonly pixelRepresentation: number | undefined
}

/**
 * VR that a value is read with: the one written, or else by the data dictionary, also for UN where the dictionary
 * knows better (PS3.5, section 6.2.2). Undefined for an unknown public tag in implicit VR, and for one that depends
 * on an element that is missing.
 */
export function vrOf(element: DataElement, scope: Scope): string | undefined {
  if (element.items !== undefined) return "SQ"
  const vr = dictionaryVr(element, scope)
  return vr?.includes(" or ") ? decideVr(vr, element, scope) : vr
}

// An element this long may be UN because its own VR has no room for the length (PS3.5, section 6.2.2).
const UN_FOR_ITS_LENGTH = 0xffff

function dictionaryVr({ tag, vr, start, end }: DataElement, scope: Scope): string | undefined {
  if (vr !== undefined && vr !== "UN") return vr
  if (isPrivate(tag)) return privateVrIn(tag, scope)
  if (vr === "UN") return (end - start < UN_FOR_ITS_LENGTH ? publicVr(tag) : undefined) ?? "UN"
  return publicVr(tag) ?? ((tag & 0xffff) === 0 ? "UL" : undefined)
}

// Sixty-four characters, some of several bytes, and escape sequences; it is read for each element of its block.
const MAX_CREATOR_BYTES = 1024

function privateVrIn(tag: number, { dataSet, charsets }: Scope): string {
  if (isPrivateCreator(tag)) return "LO"
  const block = (tag >>> 8) & 0xff
  const creator = dataSet.elements.get(((tag & 0xffff0000) | block) >>> 0)
  if (block === 0 || creator === undefined || creator.end - creator.start > MAX_CREATOR_BYTES) return "UN"
  const name = decodeText(dataSet.content.subarray(creator.start, creator.end), charsets)
  return privateVr(tag, trimPadding(name ?? "")) ?? "UN"
}

/** Decides between the VRs that PS3.6 leaves open, by the rules of PS3.5, section 8 and annex A. */
function decideVr(vr: string, element: DataElement, scope: Scope): string | undefined {
  const { tag } = element
  const { implicit } = scope.dataSet
  if (tag === PIXEL_DATA && element.undefinedLength) return "OB"
  if (tag === PIXEL_DATA) return implicit ? "OW" : byBits(firstNumber(scope.dataSet, BITS_ALLOCATED))
  if (WAVEFORM_VALUES.has(tag)) {
    return implicit ? "OW" : byBits(firstNumber(scope.dataSet, WAVEFORM_BITS_ALLOCATED))
  }
  if (tag === LUT_DATA) return byLutEntries(firstNumber(scope.dataSet, LUT_DESCRIPTOR))
  if (isOverlayData(tag)) return "OW"
  return PIXEL_VALUES.has(tag) ? bySign(scope) : vr
}

const BITS_ALLOCATED = 0x00280100
const WAVEFORM_BITS_ALLOCATED = 0x54001004
const LUT_DESCRIPTOR = 0x00283002
const LUT_DATA = 0x00283006
const WAVEFORM_VALUES = new Set([0x54000110, 0x54000112, 0x5400100a, 0x54001010])
const PIXEL_VALUES = new Set([
  0x00189810, 0x00221452, 0x00280104, 0x00280105, 0x00280106, 0x00280107, 0x00280108, 0x00280109, 0x00280110,
  0x00280111, 0x00280120, 0x00280121, 0x00281101, 0x00281102, 0x00281103, 0x00283002, 0x00409211, 0x00409216,
  0x00603004, 0x00603006,
])

function byBits(bits: number | undefined): string | undefined {
  if (bits === undefined) return undefined
  return bits > 8 ? "OW" : "OB"
}

function byLutEntries(entries: number | undefined): string | undefined {
  if (entries === undefined) return undefined
  return entries === 1 ? "US" : "OW"
}

function bySign({ dataSet, pixelRepresentation }: Scope): string | undefined {
  if (pixelRepresentation !== undefined) return pixelRepresentation === 0 ? "US" : "SS"
  return dataSet.elements.has(PIXEL_DATA) ? undefined : "US"
}

function isOverlayData(tag: number): boolean {
  return (tag & 0xffe1ffff) >>> 0 === 0x60003000
}

/** First number of an element of 16-bit integers, undefined where it is absent or empty. */
export function firstNumber({ content, elements, littleEndian }: DataSet, tag: number): number | undefined {
  const element = elements.get(tag)
  if (element === undefined || element.end - element.start < 2) return undefined
  const view = new DataView(content.buffer, content.byteOffset + element.start, 2)
  return view.getUint16(0, littleEndian)
}
