import { describe, expect, test } from "bun:test"
import {
  type CODObject,
  FrameNotFoundError,
  FramesNotSeparableError,
  InvalidDicom,
} from "../../lib/cod/index.ts"
import { framesOfFile } from "../../lib/cod/reading/file-frames.ts"
import { instancesDigest, TAR_RECORD, tarRecordOf } from "../../lib/cod/reading/tar-record.ts"
import { failureOf } from "../contract/bodies.ts"
import { goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { type ChangedSeries, changedSeries } from "./changed-series.ts"
import { dicomFile, explicit, uint16 } from "./format/dicom/build.ts"
import { sha256 } from "./golden-series.ts"

const NATIVE = goldenCase("multiframe-native")
const ENCAPSULATED = goldenCase("multiframe-encapsulated")

const NATIVE_FILE_OF_ONE_FRAME = dicomFile([explicit(0x7fe00010, "OB", "abcd")])

async function frameOf(cod: CODObject, key: string, frame: number): Promise<string> {
  await using view = await cod.openFrame(key, frame)
  return sha256(await view.bytes())
}

/** As a writer of ours leaves it: offsets that are right, and a record of the tar. */
async function asOurs(series: ChangedSeries, change: (record: Record<string, unknown>) => void = () => {}) {
  await series.changeMetadata(({ cod }) => {
    for (const { offset_tables } of Object.values(cod.instances)) {
      offset_tables.CustomOffsetTable = offset_tables.CustomOffsetTable?.map((offset) => offset - 8)
    }
  })
  await using cod = await series.open()
  const { generation, size } = (await series.head(series.keys.tar))!
  const instances = instancesDigest(await cod.getMetadata())
  const record = { uri: cod.tarUri, generation, size, instances, offset_tables: "exact" }
  change(record)
  await series.changeMetadata((document) => {
    document[TAR_RECORD] = record
  })
  series.store.calls.length = 0
}

describe("a record of our own of the tar", () => {
  test("makes every frame one ranged read of that frame, the first one too", async () => {
    await using series = await changedSeries(NATIVE)
    await asOurs(series)
    await using cod = await series.open()
    for (const [key, expected] of Object.entries(NATIVE.expected.instances)) {
      for (const [i, hash] of expected.frames_sha256!.entries()) {
        series.store.calls.length = 0
        expect(await frameOf(cod, key, i + 1)).toBe(hash)
        const start = expected.start_byte + expected.offset_tables.CustomOffsetTable![i]! - 8
        const end = start + expected.offset_tables.CustomOffsetTableLengths![i]!
        expect(series.store.calls.map(({ range }) => range)).toEqual([{ start, end }])
      }
    }
  })

  test("spares the look at locks, also once an instance was checked", async () => {
    await using series = await changedSeries(NATIVE)
    await asOurs(series)
    await using cod = await series.open()
    const [first, second] = Object.keys(NATIVE.expected.instances) as [string, string]
    await using _ = await cod.openInstance(first)
    series.store.calls.length = 0
    await frameOf(cod, second, 1)
    expect(series.store.calls.map(({ verb }) => verb)).toEqual(["read"])
  })

  test.each([
    ["of another generation", { generation: "0" }],
    ["of another place", { uri: "gs://elsewhere/series.tar" }],
    ["of other instances", { instances: "00" }],
    ["of no known shape", { generation: 1 }],
  ])("%s counts for nothing: the instance is read as a whole", async (_, differently) => {
    await using series = await changedSeries(NATIVE)
    await asOurs(series, (record) => Object.assign(record, differently))
    await using cod = await series.open()
    const [key, expected] = Object.entries(NATIVE.expected.instances)[0]!
    expect(await frameOf(cod, key, 2)).toBe(expected.frames_sha256![1]!)
    const { start_byte: start, size } = expected
    expect(series.store.reads(".tar").at(-1)!.range).toEqual({ start, end: start + size })
  })

  test("does not fit any more when another instance was added, or one lies elsewhere", async () => {
    await using series = await changedSeries(NATIVE)
    await asOurs(series)
    await using before = await series.open()
    const place = { datastore: before.datastore, studyUid: before.studyUid, seriesUid: before.seriesUid }
    expect(tarRecordOf({ place }, await before.getMetadata())).toBeDefined()
    await series.changeMetadata(({ cod }) => {
      cod.instances["1.2.3"] = Object.values(cod.instances)[0]!
    })
    await using added = await series.open()
    expect(tarRecordOf({ place }, await added.getMetadata())).toBeUndefined()
    await series.changeMetadata(({ cod }) => {
      delete cod.instances["1.2.3"]
      Object.values(cod.instances)[0]!.headers.start_byte += 512
    })
    await using moved = await series.open()
    expect(tarRecordOf({ place }, await moved.getMetadata())).toBeUndefined()
  })
})

describe("offsets of native frames", () => {
  test("that fit the file may still be wrong: the file itself is asked, once", async () => {
    await using series = await changedSeries(NATIVE)
    await series.changeMetadata(({ cod }) => {
      for (const { offset_tables } of Object.values(cod.instances)) {
        offset_tables.CustomOffsetTable = offset_tables.CustomOffsetTable?.map((offset) => offset - 8)
      }
    })
    await using cod = await series.open()
    const [key, { frames_sha256, size }] = Object.entries(NATIVE.expected.instances)[0]!
    for (const [i, hash] of frames_sha256!.entries()) expect(await frameOf(cod, key, i + 1)).toBe(hash)
    const lengths = series.store.reads(".tar").map(({ range }) => range!.end! - range!.start)
    expect(lengths.filter((length) => length === size)).toHaveLength(1)
    expect(lengths).toHaveLength(frames_sha256!.length)
  })

  test("that are nonsense are not followed", async () => {
    await using series = await changedSeries(NATIVE)
    await asOurs(series)
    await series.changeMetadata(({ cod }) => {
      for (const { offset_tables, size } of Object.values(cod.instances)) {
        offset_tables.CustomOffsetTable = offset_tables.CustomOffsetTable?.map(() => size - 1)
      }
    })
    await using cod = await series.open()
    const [key, { frames_sha256 }] = Object.entries(NATIVE.expected.instances)[0]!
    expect(await frameOf(cod, key, 1)).toBe(frames_sha256![0]!)
  })
})

describe("encapsulated frames", () => {
  test("are taken from an offset only when an item begins there", async () => {
    await using series = await changedSeries(ENCAPSULATED)
    await series.changeMetadata(({ cod }) => {
      for (const { offset_tables } of Object.values(cod.instances)) {
        offset_tables.CustomOffsetTable = offset_tables.CustomOffsetTable?.map((offset) => offset + 2)
      }
    })
    await using cod = await series.open()
    for (const [key, { frames_sha256 }] of Object.entries(ENCAPSULATED.expected.instances)) {
      if (frames_sha256 === null) continue
      expect(await frameOf(cod, key, 1)).toBe(frames_sha256[0]!)
      expect(await frameOf(cod, key, 2)).toBe(frames_sha256[1]!)
    }
  })

  test("that nothing tells apart are refused rather than guessed", async () => {
    await using series = await changedSeries(ENCAPSULATED)
    await using cod = await series.open()
    const [key] = Object.entries(ENCAPSULATED.expected.instances).find(
      ([, { number_of_frames, frames_sha256 }]) => number_of_frames > 1 && frames_sha256 === null,
    )!
    expect(await failureOf(cod.openFrame(key, 1))).toBeInstanceOf(FramesNotSeparableError)
  })

  test("of an instance with one frame are all its fragments", async () => {
    await using series = await changedSeries(ENCAPSULATED)
    await using cod = await series.open()
    const [key] = Object.entries(ENCAPSULATED.expected.instances).find(
      ([, { number_of_frames }]) => number_of_frames === 1,
    )!
    await using frame = await cod.openFrame(key, 1)
    await using whole = await cod.openInstance(key)
    const at = Buffer.from(await whole.bytes()).indexOf(await frame.bytes())
    expect(at).toBeGreaterThan(0)
    expect(await whole.range(at - 8, at - 4)).toEqual(new Uint8Array([0xfe, 0xff, 0x00, 0xe0]))
  })
})

test("a frame of what is no DICOM is an error of ours", async () => {
  await using series = await changedSeries(NATIVE)
  const [key] = Object.keys(NATIVE.expected.instances) as [string]
  await series.changeMetadata(({ cod }) => {
    Object.assign(cod.instances[key]!, { size: 0, crc32c: "AAAAAA==" })
  })
  await using cod = await series.open()
  expect(await failureOf(cod.openFrame(key, 1))).toBeInstanceOf(InvalidDicom)
})

describe("a number of frames that is made up", () => {
  const nativeFile = (frames: string, rows = 2) =>
    dicomFile([
      explicit(0x00280002, "US", uint16(1)),
      explicit(0x00280008, "IS", frames),
      explicit(0x00280010, "US", uint16(rows)),
      explicit(0x00280011, "US", uint16(2)),
      explicit(0x00280100, "US", uint16(8)),
      explicit(0x7fe00010, "OB", "abcdefgh"),
    ])

  test.each(["999999999999", "20000000 ", "3 ", "x ", "-1"])(
    "%p is no reason to cut the pixels up",
    (count) => {
      expect(() => framesOfFile(nativeFile(count), "a.dcm")).toThrow(FramesNotSeparableError)
    },
  )

  test("of a byte each is more than anybody lists", () => {
    const huge = Buffer.alloc(4_000_002)
    const file = dicomFile([
      explicit(0x00280008, "IS", "4000002 "),
      explicit(0x00280010, "US", uint16(1)),
      explicit(0x00280011, "US", uint16(1)),
      explicit(0x00280100, "US", uint16(8)),
      explicit(0x7fe00010, "OB", huge),
    ])
    expect(() => framesOfFile(file, "a.dcm")).toThrow(FramesNotSeparableError)
  })

  test("is none when the pixels fit it", () => {
    const { bytes } = framesOfFile(nativeFile("2 "), "a.dcm")
    expect([1, 2].map((frame) => Buffer.from(bytes(frame)).toString())).toEqual(["abcd", "efgh"])
    expect(() => bytes(3)).toThrow(FrameNotFoundError)
  })
})

test("frames of a pulled tar are found without parsing the instance each time, also after others were asked for", async () => {
  await using series = await changedSeries(NATIVE)
  await using cod = await series.open()
  await cod.pullTar()
  for (const [key, { frames_sha256 }] of Object.entries(NATIVE.expected.instances)) {
    for (const round of [1, 2]) {
      for (const [i, hash] of frames_sha256!.entries()) {
        expect(await frameOf(cod, key, i + 1), `round ${round}`).toBe(hash)
      }
    }
  }
})

test("frames of a file that somebody changed where it was extracted are those of the changed file", async () => {
  using dir = tempDir("frames")
  await using series = await changedSeries(NATIVE)
  await using cod = await series.open()
  const { extracted } = await cod.extractLocally(dir.path)
  const { key, path } = extracted[0]!
  const before = await frameOf(cod, key, 1)
  await Bun.write(path, NATIVE_FILE_OF_ONE_FRAME)
  expect(await frameOf(cod, key, 1)).not.toBe(before)
})
