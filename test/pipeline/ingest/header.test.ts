import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"
import { readHeaderAt, readHeaderOf } from "../../../lib/pipeline/ingest/header.ts"
import { NotFound, PreconditionFailed } from "../../../lib/storage/errors.ts"
import type { ObjectSource } from "../../../lib/storage/store.ts"
import { dicomFile, EXPLICIT, explicit } from "../../cod/format/dicom/build.ts"
import { failureOf } from "../../contract/bodies.ts"
import { openOrigin } from "../../support/receiving.ts"
import { tempDir } from "../../support/temp.ts"

const HEADER = {
  studyUid: "2.25.1",
  seriesUid: "2.25.21",
  instanceUid: "2.25.321",
  transferSyntax: EXPLICIT,
  frames: 12,
}

/** A file with so many bytes before its UIDs. */
function file({ before = 0, without = 0, pixels = 200_000 } = {}): Uint8Array<ArrayBuffer> {
  const elements: [number, Buffer][] = [
    [0x00080018, explicit(0x00080018, "UI", HEADER.instanceUid)],
    [0x00091010, explicit(0x00091010, "OB", new Uint8Array(before))],
    [0x0020000d, explicit(0x0020000d, "UI", HEADER.studyUid)],
    [0x0020000e, explicit(0x0020000e, "UI", `${HEADER.seriesUid}\0`)],
    [0x00280008, explicit(0x00280008, "IS", "12")],
    [0x7fe00010, explicit(0x7fe00010, "OB", new Uint8Array(pixels))],
  ]
  return new Uint8Array(dicomFile(elements.filter(([tag]) => tag !== without).map(([, bytes]) => bytes)))
}

const SERIES_UID = 0x0020000e

const FILES = [
  ["short", file({ pixels: 10 }), HEADER],
  ["long", file(), HEADER],
  ["with a long element before its UIDs", file({ before: 600_000 }), HEADER],
  ["without pixels, as long as what is read at first", sized(65_536), HEADER],
  ["without pixels, a little longer", sized(65_537), HEADER],
  [
    "without a UID",
    file({ without: SERIES_UID }),
    { error: "no Series Instance UID (0020,000E)", isDicom: true },
  ],
  [
    "that is no DICOM file",
    new Uint8Array(200_000),
    { error: "not a DICOM file: no DICM prefix after 128 bytes", isDicom: false },
  ],
  [
    "that is shorter than any",
    new Uint8Array(100),
    { error: "not a DICOM file: no DICM prefix after 128 bytes", isDicom: false },
  ],
  [
    "that is empty",
    new Uint8Array(),
    { error: "not a DICOM file: no DICM prefix after 128 bytes", isDicom: false },
  ],
  [
    "that is cut off",
    file({ before: 100_000 }).slice(0, 90_000),
    { error: expect.stringContaining("(0009,1010) at offset"), isDicom: true },
  ],
] as const

/** A file of so many bytes whose header is all of it. */
function sized(bytes: number): Uint8Array<ArrayBuffer> {
  const rest = file({ without: 0x7fe00010 })
  const long = file({ without: 0x7fe00010, before: bytes - rest.length })
  return long.slice(0, bytes)
}

describe("The header of a body on this box", () => {
  test.each(FILES)("%s is found in memory and in a file", async (_, bytes, expected) => {
    using temp = tempDir()
    writeFileSync(temp.file("body"), bytes)
    expect(await readHeaderOf(bytes)).toEqual(expected)
    expect(await readHeaderOf(Bun.file(temp.file("body")))).toEqual(expected)
  })

  test("that does not end in 64 MiB is no header", async () => {
    using temp = tempDir()
    writeFileSync(temp.file("body"), file({ before: 65 << 20 }))
    const error = "its header does not end within 67108864 bytes"
    expect(await readHeaderOf(Bun.file(temp.file("body")))).toEqual({ error, isDicom: true })
  })
})

describe("The header of an object", () => {
  let cloud: Cloud
  let store: ObjectSource
  beforeAll(async () => {
    cloud = await startCloud({ keepAlive: false })
    cloud.createBucket("origin")
    store = openOrigin(cloud.url)
  })
  afterAll(() => cloud.stop())

  /** Puts an object and tells its generation. */
  async function put(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    cloud.put("origin", "k", bytes)
    const { generation } = (await store.head("k"))!
    cloud.log.clear()
    return generation
  }
  const bytesRead = () => cloud.log.find({ operation: "s3.get" }).map(({ bytesOut }) => bytesOut)

  test.each(FILES)("%s is found as in a body on this box", async (_, bytes, expected) => {
    expect(await readHeaderAt(store, "k", await put(bytes))).toEqual(expected)
  })

  test("is one ranged read, however large the object is", async () => {
    expect(await readHeaderAt(store, "k", await put(file({ pixels: 5 << 20 })))).toEqual(HEADER)
    expect(bytesRead()).toEqual([65_536])
  })

  test("is read on where the first was not enough, nothing of it twice", async () => {
    expect(await readHeaderAt(store, "k", await put(file({ before: 600_000, pixels: 5 << 20 })))).toEqual(
      HEADER,
    )
    expect(bytesRead()).toEqual([65_536, (512 - 64) << 10, (4096 - 512) << 10])
  })

  test("is that of the generation that is asked for, or none", async () => {
    const generation = await put(file())
    cloud.put("origin", "k", file({ pixels: 10 }))
    expect(await failureOf(readHeaderAt(store, "k", generation))).toBeInstanceOf(PreconditionFailed)
    expect(await failureOf(readHeaderAt(store, "gone", generation))).toBeInstanceOf(NotFound)
  })
})
