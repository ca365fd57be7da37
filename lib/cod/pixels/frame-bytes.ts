import { UndecodableFrameError } from "../errors.ts"
import { type Frames, frameBytes, framesOf, ITEM_HEADER } from "../format/dicom/frames.ts"
import type { DicomFile, Span } from "../format/dicom/model.ts"
import type { PixelDescription } from "./description.ts"

/**
 * The fragments of one encapsulated frame, joined: by an offset table, or by where fragments begin a codestream.
 * @throws UndecodableFrameError, InvalidDicom
 */
export function encapsulatedFrame(
  file: DicomFile,
  description: PixelDescription,
  frame: number,
): Uint8Array<ArrayBuffer> {
  const span = spansOf(file, description)?.[frame]
  if (span === undefined) {
    const { transferSyntax } = description
    throw new UndecodableFrameError("nothing tells the frames apart", { transferSyntax, frame })
  }
  const bytes = frameBytes(file.dataSet.content.subarray(span.start, span.end), true)
  return bytes as Uint8Array<ArrayBuffer>
}

// Whoever wants one frame wants the others; a long list of fragments is worth to be gone through once.
const known = new WeakMap<DicomFile, Frames["spans"]>()

function spansOf(file: DicomFile, description: PixelDescription): Frames["spans"] | undefined {
  const spans = known.get(file) ?? framesOf(file)?.spans ?? spansByCodestreams(file, description)
  if (spans !== undefined) known.set(file, spans)
  return spans
}

function spansByCodestreams(file: DicomFile, { element, frames }: PixelDescription): Span[] | undefined {
  const [, ...fragments] = element.fragments ?? []
  const { content } = file.dataSet
  const firsts = fragments.flatMap((fragment, index) => (beginsCodestream(content, fragment) ? [index] : []))
  if (firsts.length !== frames || firsts[0] !== 0) return undefined
  return firsts.map((first, index) => ({
    start: fragments[first]!.start - ITEM_HEADER,
    end: fragments[(firsts[index + 1] ?? fragments.length) - 1]!.end,
  }))
}

/** SOI of JPEG and JPEG-LS with the marker behind it, or SOC and SIZ of JPEG 2000. */
function beginsCodestream(content: Uint8Array, { start, end }: Span): boolean {
  const [a, b, c, d] = content.subarray(start, Math.min(start + 4, end))
  return a === 0xff && ((b === 0xd8 && c === 0xff) || (b === 0x4f && c === 0xff && d === 0x51))
}
