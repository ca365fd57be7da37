import { type Keyword, TAGS, type Vr } from "./dicom-tags.ts"

/** A value as one writes it down; several values of one attribute are an array, a sequence is its items. */
export type Value =
  | string
  | number
  | readonly (string | number)[]
  | Uint8Array
  | Uint16Array
  | readonly Dataset[]

/** Attributes by keyword, in any order. An empty string is a present attribute without value (Type 2). */
export type Dataset = { readonly [K in Keyword]?: Value }

export const EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

/** Of this writer: made once from a random UUID, as PS3.5 B.2 allows. */
const IMPLEMENTATION_CLASS_UID = "2.25.307985334605440241316846423039179127494"

/**
 * Writes a DICOM file: preamble, `DICM`, file meta information and data set in Explicit VR Little Endian
 * (PS3.10 section 7.1, PS3.5 section 7.1.2). Sequences and items have explicit lengths.
 *
 * @throws RangeError when a short-form value exceeds 65,534 bytes.
 */
export function writePart10(dataset: Dataset): Uint8Array {
  const meta = encode({
    FileMetaInformationVersion: Uint8Array.of(0, 1),
    MediaStorageSOPClassUID: dataset.SOPClassUID,
    MediaStorageSOPInstanceUID: dataset.SOPInstanceUID,
    TransferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN,
    ImplementationClassUID: IMPLEMENTATION_CLASS_UID,
    ImplementationVersionName: "VLM_EDEN_DEMO",
  })
  const groupLength = encode({ FileMetaInformationGroupLength: byteLength(meta) })
  return concat([new Uint8Array(128), text("DICM"), ...groupLength, ...meta, ...encode(dataset)])
}

/**
 * The data elements in ascending order of tags, as PS3.5 section 7.1 demands; large values are not copied.
 */
function encode(dataset: Dataset): Uint8Array[] {
  return (Object.keys(dataset) as Keyword[])
    .sort((a, b) => TAGS[a][0] - TAGS[b][0])
    .flatMap((keyword) => {
      const value = dataset[keyword]
      return value === undefined ? [] : element(keyword, value)
    })
}

function element(keyword: Keyword, value: Value): Uint8Array[] {
  const [tag, vr] = TAGS[keyword]
  const body = valueField(vr, value)
  return [elementHeader(keyword, tag, vr, byteLength(body)), ...body]
}

function elementHeader(keyword: Keyword, tag: number, vr: Vr, length: number): Uint8Array {
  const long = LONG_FORM.has(vr)
  if (!long && length > 0xfffe) throw new RangeError(`${keyword} (${vr}) cannot hold ${length} bytes`)
  const header = new DataView(new ArrayBuffer(long ? 12 : 8))
  putTag(header, tag)
  header.setUint8(4, vr.charCodeAt(0))
  header.setUint8(5, vr.charCodeAt(1))
  if (long) header.setUint32(8, length, true)
  else header.setUint16(6, length, true)
  return new Uint8Array(header.buffer)
}

/** VRs whose header has two reserved bytes and a 32-bit length (PS3.5 table 7.1-1). */
const LONG_FORM: ReadonlySet<Vr> = new Set(["OB", "OW", "SQ"])

function valueField(vr: Vr, value: Value): Uint8Array[] {
  if (value instanceof Uint8Array) return [value, ...padding(value.length, 0)]
  if (value instanceof Uint16Array) return [littleEndian(value)]
  if (vr === "SQ") return (value as readonly Dataset[]).flatMap(item)
  const values = (Array.isArray(value) ? value : [value]) as readonly (string | number)[]
  const write = BINARY[vr]
  if (write !== undefined) return values.map((each) => write(Number(each)))
  const bytes = text(values.join("\\"))
  return [bytes, ...padding(bytes.length, vr === "UI" ? 0 : 0x20)]
}

/** An Item with explicit length (PS3.5 section 7.5.1). */
function item(dataset: Dataset): Uint8Array[] {
  const body = encode(dataset)
  const header = new DataView(new ArrayBuffer(8))
  putTag(header, 0xfffe_e000)
  header.setUint32(4, byteLength(body), true)
  return [new Uint8Array(header.buffer), ...body]
}

const BINARY: { readonly [V in Vr]?: (value: number) => Uint8Array } = {
  US: (value) => new Uint8Array(Uint16Array.of(value).buffer),
  SS: (value) => new Uint8Array(Int16Array.of(value).buffer),
  UL: (value) => new Uint8Array(Uint32Array.of(value).buffer),
}

function putTag(view: DataView, tag: number): void {
  view.setUint16(0, tag >>> 16, true)
  view.setUint16(2, tag & 0xffff, true)
}

/** Typed arrays have the machine's byte order, which is little endian wherever Bun runs. */
const littleEndian = (words: Uint16Array) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

/** Every value has an even length (PS3.5 section 6.2): UIDs and bytes end in NUL, text in a space. */
const padding = (length: number, fill: number) => (length % 2 === 0 ? [] : [Uint8Array.of(fill)])

const text = (value: string) => new TextEncoder().encode(value)

const byteLength = (chunks: readonly Uint8Array[]) => chunks.reduce((sum, chunk) => sum + chunk.length, 0)

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(byteLength(chunks))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
