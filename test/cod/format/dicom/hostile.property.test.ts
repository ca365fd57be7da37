import { expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { dicomJson, frameBytes, framesOf, parseDicom } from "../../../../lib/cod/format/dicom/index.ts"
import { CODError } from "../../../../lib/cod/format/errors.ts"
import { stringifyJson } from "../../../../lib/cod/format/json.ts"
import { offsetTables } from "../../../../lib/cod/format/offset-tables.ts"
import {
  dicomFile,
  encapsulated,
  explicit,
  IMPLICIT,
  implicit,
  item,
  RLE,
  sequenceEnd,
  UNDEFINED,
} from "./build.ts"

const CASES = 8000
const LONGEST_MS = 1000

// Larger files take longer and show no more: what is not a pixel is at their beginning.
const MAX_BYTES = 20_000

const SAMPLES = join(import.meta.dir, "../../../../../shared/dicom")

const frames = explicit(0x00280008, "IS", "2 ")
const made = [
  dicomFile([
    explicit(0x00080005, "CS", "\\ISO 2022 IR 87"),
    explicit(0x00081140, "SQ", Buffer.concat([item(frames), item("", UNDEFINED), sequenceEnd]), UNDEFINED),
    explicit(0x00081145, "SQ", item(explicit(0x00081150, "SQ", item(frames)))),
    explicit(0x00100010, "PN", "A=\x1b$B;3ED\x1b(B"),
  ]),
  dicomFile([frames, encapsulated([0, 10], ["ab", "cd"])], RLE),
  dicomFile(
    [implicit(0x00280103, "\0\0"), implicit(0x00280106, "ab"), implicit(0x7fe00010, "abcd")],
    IMPLICIT,
  ),
]

const samples = existsSync(SAMPLES)
  ? readdirSync(SAMPLES)
      .filter((name) => name.endsWith(".dcm"))
      .map((name) => new Uint8Array(readFileSync(join(SAMPLES, name))))
      .filter((bytes) => bytes.length <= MAX_BYTES)
  : []

interface Change {
  readonly at: number
  readonly bytes: ArrayLike<number>
  readonly removed: number
}

// Lengths, escapes, delimiters and signs are made of these.
const evil = fc.constantFrom(0, 1, 0x1b, 0x2f, 0x5c, 0x7f, 0x80, 0xe0, 0xfe, 0xff)
const piece = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.array(evil, { maxLength: 8 }))

/** Bytes of a file of which some are others, or are missing, or stand twice, or which is cut off. */
const mutated = fc.constantFrom(...made, ...samples).chain((file) => {
  const at = fc.nat({ max: file.length - 1 })
  const overwritten = fc.tuple(at, piece).map(([at, bytes]) => ({ at, bytes, removed: bytes.length }))
  const replaced = fc.record({ at, bytes: piece, removed: fc.nat({ max: 8 }) })
  const cutOff = fc.record({ at, bytes: fc.constant([]), removed: fc.constant(file.length) })
  const change = fc.oneof({ weight: 8, arbitrary: overwritten }, replaced, cutOff)
  return fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes: readonly Change[]) => changes.reduce<Uint8Array>(changed, file))
})

function changed(file: Uint8Array, { at, bytes, removed }: Change): Uint8Array {
  return Buffer.concat([file.subarray(0, at), Uint8Array.from(bytes), file.subarray(at + removed)])
}

test("whatever is done to a file, it is read or refused by an error of ours, and soon", () => {
  fc.assert(
    fc.property(mutated, (bytes) => {
      const begun = performance.now()
      use(bytes)
      expect(performance.now() - begun).toBeLessThan(LONGEST_MS)
    }),
    { numRuns: CASES },
  )
})

/** Everything that is done with a file that came from somewhere. */
function use(bytes: Uint8Array): void {
  try {
    const file = parseDicom(bytes, { inflatedBytes: 1 << 22 })
    expect(stringifyJson(dicomJson(file, { uri: "URI" }))).not.toContain("NaN")
    const { CustomOffsetTable: offsets = [], CustomOffsetTableLengths: lengths = [] } = offsetTables(file)
    expect(offsets.length).toBe(lengths.length)
    for (const [index, offset] of offsets.entries())
      expect(offset + lengths[index]!).toBeLessThanOrEqual(bytes.length)
    const { encapsulated: items, spans } = framesOf(file) ?? { encapsulated: false, spans: [] }
    for (const { start, end } of spans) frameBytes(file.dataSet.content.subarray(start, end), items)
  } catch (error) {
    if (!(error instanceof CODError)) throw error
  }
}
