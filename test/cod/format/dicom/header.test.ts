import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { deflateRawSync } from "node:zlib"
import fc from "fast-check"
import { inMemory } from "../../../../lib/cod/format/bytes.ts"
import { type DicomHeader, parseDicom, readHeader, uidsOf } from "../../../../lib/cod/format/dicom/index.ts"
import { CODError, InvalidDicom } from "../../../../lib/cod/format/errors.ts"
import { readMembers } from "../../../../lib/cod/format/tar/read.ts"
import { goldenCases } from "../../../support/golden.ts"
import { mutate, mutations } from "../mutations.ts"
import {
  DEFLATED,
  dicomFile,
  EXPLICIT,
  encapsulated,
  explicit,
  IMPLICIT,
  implicit,
  item,
  itemEnd,
  RLE,
  sequenceEnd,
  UNDEFINED,
} from "./build.ts"

const UIDS = { studyUid: "2.25.1", seriesUid: "2.25.21", instanceUid: "2.25.321" }
const instance = explicit(0x00080018, "UI", `${UIDS.instanceUid}`)
const study = explicit(0x0020000d, "UI", UIDS.studyUid)
const series = explicit(0x0020000e, "UI", `${UIDS.seriesUid}\0`)
const frames = explicit(0x00280008, "IS", "12")
const pixels = explicit(0x7fe00010, "OB", "abcd")
const sequence = explicit(
  0x00081140,
  "SQ",
  Buffer.concat([item(series, UNDEFINED), itemEnd, sequenceEnd]),
  UNDEFINED,
)

function failureOf(bytes: Uint8Array, size = bytes.length): unknown {
  try {
    return readHeader(bytes, size)
  } catch (error) {
    return error
  }
}

/** Every beginning of the file that is enough says what the whole file says; none that is shorter is refused. */
function leastLength(bytes: Uint8Array, expected: DicomHeader): number {
  const lengths = bytes.length < 5000 ? bytes.keys() : [0, 131, 132, 500, 900, 1500, 3000, 8000, 70_000]
  let least = bytes.length
  for (const length of [...lengths].toReversed()) {
    if (length > bytes.length) continue
    const found = readHeader(bytes.subarray(0, length), bytes.length)
    if (found === undefined) continue
    expect(found).toEqual(expected)
    least = length
  }
  return least
}

describe("A header", () => {
  test("is read from the beginning, up to the number of frames", () => {
    const bytes = dicomFile([instance, sequence, study, series, frames, pixels])
    const header = { ...UIDS, transferSyntax: EXPLICIT, frames: 12 }
    expect(readHeader(bytes, bytes.length)).toEqual(header)
    // Enough is what shows that another element follows.
    expect(leastLength(bytes, header)).toBe(bytes.length - pixels.length + 12)
  })

  test("of a file without pixels is all of it", () => {
    const bytes = dicomFile([instance, study, series])
    const header = { ...UIDS, transferSyntax: EXPLICIT, frames: 1 }
    expect(leastLength(bytes, header)).toBe(bytes.length)
    expect(readHeader(bytes, bytes.length)).toEqual(header)
  })

  test("is the same in implicit VR, and in a data set that was deflated", () => {
    const inImplicit = dicomFile(
      [
        implicit(0x00080018, UIDS.instanceUid),
        implicit(0x0020000d, UIDS.studyUid),
        implicit(0x0020000e, UIDS.seriesUid),
        implicit(0x7fe00010, "abcd"),
      ],
      IMPLICIT,
    )
    expect(readHeader(inImplicit, inImplicit.length)).toEqual({
      ...UIDS,
      transferSyntax: IMPLICIT,
      frames: 1,
    })
    const noise = explicit(0x7fe00010, "OB", crypto.getRandomValues(new Uint8Array(3000)))
    const inner = Buffer.concat([instance, sequence, study, series, frames, noise])
    const deflated = dicomFile([deflateRawSync(inner)], DEFLATED)
    const header = { ...UIDS, transferSyntax: DEFLATED, frames: 12 }
    expect(readHeader(deflated, deflated.length)).toEqual(header)
    expect(leastLength(deflated, header)).toBeLessThan(deflated.length / 2)
  })

  test("says one frame where the file says none, or nothing that is a number of frames", () => {
    for (const value of ["", "0 ", "-1", "12\\13 ", "abc "]) {
      const bytes = dicomFile([instance, study, series, explicit(0x00280008, "IS", value), pixels])
      expect(readHeader(bytes, bytes.length)?.frames).toBe(1)
    }
  })

  test("of a series of pixels that shrank a thousand times is read without all of them", () => {
    const many = explicit(0x7fe00010, "OB", new Uint8Array(128 << 20))
    const bytes = dicomFile([deflateRawSync(Buffer.concat([instance, study, series, many]))], DEFLATED)
    expect(readHeader(bytes, bytes.length)).toMatchObject(UIDS)
  })

  test("that goes on behind a long element asks for more, and is found behind it", () => {
    const long = explicit(0x00091010, "OB", new Uint8Array(100_000))
    const bytes = dicomFile([instance, long, study, series, frames, pixels])
    expect(readHeader(bytes.subarray(0, 65_536), bytes.length)).toBeUndefined()
    expect(readHeader(bytes.subarray(0, bytes.length - 4), bytes.length)).toMatchObject(UIDS)
  })
})

describe("A file is refused", () => {
  test.each([
    ["SOP Instance UID (0008,0018)", [study, series, pixels]],
    ["Study Instance UID (0020,000D)", [instance, series, pixels]],
    ["Series Instance UID (0020,000E)", [instance, study, pixels]],
  ] as const)("without its %s, which is named", (name, elements) => {
    const failure = failureOf(dicomFile(elements)) as InvalidDicom
    expect(failure).toBeInstanceOf(InvalidDicom)
    expect(failure.message).toBe(`no ${name}`)
  })

  test("with a UID that can be the name of nothing, which is not repeated", () => {
    for (const uid of ["../../etc", "1.2\n3 ", "9".repeat(300)]) {
      const failure = failureOf(dicomFile([instance, study, explicit(0x0020000e, "UI", uid), pixels]))
      expect(failure).toBeInstanceOf(InvalidDicom)
      expect((failure as InvalidDicom).message).toBe("no usable Series Instance UID (0020,000E)")
    }
  })

  test("that is none, or is cut off: but a beginning that is too short is none of these", () => {
    const bytes = dicomFile([instance, sequence, study, series])
    for (let length = 0; length < bytes.length; length += 1) {
      const beginning = bytes.subarray(0, length)
      expect(failureOf(beginning)).toBeInstanceOf(InvalidDicom)
      expect(readHeader(beginning, bytes.length)).toBeUndefined()
    }
    expect(failureOf(new Uint8Array(200), 1000)).toBeInstanceOf(InvalidDicom)
  })

  test("whose deflated data are cut off before the header is over, also between two elements", () => {
    const bytes = dicomFile([deflateRawSync(Buffer.concat([instance, study, series]))], DEFLATED)
    expect(failureOf(bytes)).toMatchObject(UIDS)
    expect(failureOf(bytes.subarray(0, -1))).toBeInstanceOf(InvalidDicom)
  })

  test("whose deflated data cannot be inflated, whole or not", () => {
    const bytes = dicomFile([Buffer.alloc(16, 255)], DEFLATED)
    expect(failureOf(bytes)).toBeInstanceOf(InvalidDicom)
    expect(failureOf(bytes, 1000)).toBeInstanceOf(InvalidDicom)
  })
})

/** What the whole file says, for one that can be read and has all UIDs. */
function headerByParsing(bytes: Uint8Array): Omit<DicomHeader, "frames"> | undefined {
  const file = parseDicom(bytes)
  const { studyUid, seriesUid, instanceUid } = uidsOf(file)
  if (studyUid === undefined || seriesUid === undefined || instanceUid === undefined) return undefined
  return { studyUid, seriesUid, instanceUid, transferSyntax: file.transferSyntax }
}

function expectAsParsed(bytes: Uint8Array): void {
  const expected = headerByParsing(bytes)
  if (expected === undefined) expect(failureOf(bytes)).toBeInstanceOf(InvalidDicom)
  else {
    const header = readHeader(bytes, bytes.length)!
    expect(header).toMatchObject(expected)
    leastLength(bytes, header)
  }
}

const SAMPLES = join(import.meta.dir, "../../../../../shared/dicom")
const samples = existsSync(SAMPLES)
  ? readdirSync(SAMPLES)
      .filter((name) => name.endsWith(".dcm"))
      .map((name) => [name, new Uint8Array(readFileSync(join(SAMPLES, name)))] as const)
  : []

test.skipIf(samples.length === 0).each(samples)("A real file says what it says whole: %s", (_, bytes) =>
  expectAsParsed(bytes),
)

const golden = goldenCases().flatMap((series) => {
  const tar = series.keys.find((key) => key.endsWith(".tar"))
  return tar === undefined ? [] : [[series.name, series, tar] as const]
})

test.each(golden)(
  "A stored instance says what its series knows of it: %s",
  async (_, { bytes, expected }, key) => {
    const tar = bytes(key)
    let found = 0
    for await (const { name, start, size } of readMembers(inMemory(tar))) {
      const stored = expected.instances[/^instances\/(.*)\.dcm$/.exec(name)?.[1] ?? ""]
      if (stored === undefined) continue
      found += 1
      const bytes = tar.subarray(start, start + size)
      const header = readHeader(bytes, size)!
      expect(header).toEqual({
        studyUid: stored.study_uid,
        seriesUid: stored.series_uid,
        instanceUid: stored.instance_uid,
        transferSyntax: stored.transfer_syntax,
        frames: stored.number_of_frames,
      })
      leastLength(bytes, header)
    }
    expect(found).toBe(Object.keys(expected.instances).length)
  },
)

const inDeflated = dicomFile(
  [deflateRawSync(Buffer.concat([instance, sequence, study, series, frames, pixels]))],
  DEFLATED,
)
const made = [
  dicomFile([instance, sequence, study, series, frames, pixels]),
  dicomFile([instance, study, series, frames, encapsulated([0], ["ab"])], RLE),
  inDeflated,
  ...samples.map(([, bytes]) => bytes).filter((bytes) => bytes.length <= 5000),
]

test("Whatever is done to a file, its beginning is read or refused by an error of ours, as the whole file is", () => {
  const files = fc.constantFrom(...made)
  const words = ["\0\0\0\0", "\xff\xff\xff\xff", "\xfe\xff\x00\xe0", "SQ", "UN", "UI"]
  fc.assert(
    fc.property(
      files,
      mutations(words),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (file, changes, part) => {
        const bytes = mutate(file, changes)
        const whole = failureOf(bytes)
        const begun = failureOf(bytes.subarray(0, Math.floor(part * bytes.length)), bytes.length)
        for (const found of [whole, begun]) if (found instanceof Error) expect(found).toBeInstanceOf(CODError)
        expect(whole).toBeDefined()
        // What a beginning says, good or bad, more of it does not take back; but that a deflated stream is damaged behind
        // the header is seen only by who has all of it, and then the file is refused.
        const isDamagedBehind = file === inDeflated && whole instanceof InvalidDicom
        if (begun !== undefined && !(begun instanceof Error) && !isDamagedBehind) expect(whole).toEqual(begun)
        if (begun instanceof Error) expect(whole).toBeInstanceOf(Error)
      },
    ),
    { numRuns: 4000 },
  )
})
