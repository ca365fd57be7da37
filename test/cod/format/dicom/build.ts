/** Elements and files for tests, little-endian. Tags are numbers, values bytes or characters of Latin-1. */
export type Value = Uint8Array | string

const LONG_VRS = new Set("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split(" "))

export const UNDEFINED = 0xffffffff
export const EXPLICIT = "1.2.840.10008.1.2.1"
export const IMPLICIT = "1.2.840.10008.1.2"
export const DEFLATED = "1.2.840.10008.1.2.1.99"
export const RLE = "1.2.840.10008.1.2.5"

/** An element in explicit VR. `length` where it lies. */
export function explicit(tag: number, vr: string, value: Value = "", length?: number): Buffer {
  const bytes = bytesOf(value)
  const size = length ?? bytes.length
  const head = Buffer.concat([tagBytes(tag), Buffer.from(vr, "latin1")])
  const tail = LONG_VRS.has(vr) ? Buffer.concat([Buffer.alloc(2), uint32(size)]) : uint16(size)
  return Buffer.concat([head, tail, bytes])
}

/** An element in implicit VR, or an item. */
export function implicit(tag: number, value: Value = "", length?: number): Buffer {
  const bytes = bytesOf(value)
  return Buffer.concat([tagBytes(tag), uint32(length ?? bytes.length), bytes])
}

export function item(value: Value = "", length?: number): Buffer {
  return implicit(0xfffee000, value, length)
}

export const itemEnd = implicit(0xfffee00d)
export const sequenceEnd = implicit(0xfffee0dd)

/** Encapsulated pixels: the Basic Offset Table and the fragments. */
export function encapsulated(table: readonly number[], fragments: readonly Value[]): Buffer {
  const items = [Buffer.concat(table.map(uint32)), ...fragments].map((value) => item(value))
  return explicit(0x7fe00010, "OB", Buffer.concat([...items, sequenceEnd]), UNDEFINED)
}

/** A file of these elements behind its file meta information. */
export function dicomFile(elements: readonly Uint8Array[], syntax = EXPLICIT): Buffer {
  const meta = explicit(0x00020010, "UI", syntax.padEnd(syntax.length + (syntax.length % 2), "\0"))
  const group = explicit(0x00020000, "UL", uint32(meta.length))
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), group, meta, ...elements])
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function bytesOf(value: Value): Buffer {
  return typeof value === "string" ? Buffer.from(value, "latin1") : Buffer.from(value)
}

function tagBytes(tag: number): Buffer {
  return Buffer.concat([uint16(tag >>> 16), uint16(tag & 0xffff)])
}
