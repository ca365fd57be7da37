import { afterAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import {
  CODObject,
  frameAt,
  Instance,
  indicesOf,
  type ShownFrame,
  type Thumbnail,
  toThumbnail,
  withCODObject,
} from "../../../lib/cod/index.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import { type GoldenCase, goldenCases } from "../../support/golden.ts"
import { FAKE_GCS_SERVER } from "../fake-gcs-server.ts"
import { build, start } from "../go-server.ts"
import { startPython } from "./peer.ts"
import { pythonWithCod } from "./venv.ts"

/** The golden series remember this one. */
const BUCKET = "golden"

/** What 2.2.0 cannot open, or has no pixels. */
const CLOSED = /^(?:error-log|hanging-.*|structured-report|rewritten-smaller)$/

/** What 2.2.0 makes none of: OpenCV does not resize samples of 32 bits. */
const FAILS = /^implicit-rtdose: error: OpenCV/

/** By case the place of an instance whose frames nothing tells apart: here they are black, in 2.2.0 there is but one. */
const UNTOLD: Readonly<Record<string, number>> = { "multiframe-encapsulated": 3 }

/** Mean absolute difference of 8-bit samples: resampled as the package does, and by area. */
const ALIKE = 6
const ALIKE_BY_AREA = 10

/** Files that are larger than their thumbnails, of one series each. */
const REAL = join(import.meta.dir, "../../../../shared/dicom")
const FRESH: Readonly<Record<string, readonly string[]>> = {
  "a radiograph, MONOCHROME1, JPEG 2000": ["RG3_J2KR.dcm"],
  "a radiograph, native": ["derived_DX_RG3_440_native_evle.dcm"],
  "a scintigraphy, JPEG lossless": ["JPEG-LL.dcm"],
  "an ultrasound of many frames, JPEG": ["examples_ybr_color.dcm"],
  "several ultrasounds, JPEG 2000": ["series_US/US_01.dcm", "series_US/US_02.dcm", "series_US/US_03.dcm"],
  "an ultrasound, palette": ["gdcm-US-ALOKA-16.dcm"],
}

/** What the package makes of a stored thumbnail. */
interface Shown {
  readonly block: Block
  readonly pictures: readonly string[]
  readonly side: number
  readonly instances: readonly string[]
  readonly slices: Readonly<Record<string, number>>
}

interface Block {
  readonly version?: string
  readonly uri: string
  readonly thumbnail_index_to_instance_frame: readonly (readonly [string, number])[]
  readonly instances: Readonly<Record<string, { readonly frames: readonly { readonly anchors: Anchors }[] }>>
}

interface Anchors {
  readonly original_size: { readonly width: number; readonly height: number }
  readonly thumbnail_upper_left: { readonly row: number; readonly col: number }
  readonly thumbnail_bottom_right: { readonly row: number; readonly col: number }
  readonly scale_factor: number
}

const python = await pythonWithCod()
const program = await build(FAKE_GCS_SERVER)
if (python === undefined || program === undefined)
  test.skip("thumbnails beside cloud-optimized-dicom 2.2.0", () => {})
else {
  const { url, ...server } = await start(program, FAKE_GCS_SERVER)
  await fetch(`${url}/storage/v1/b`, { method: "POST", body: JSON.stringify({ name: BUCKET }) })
  const peer = startPython(python, join(import.meta.dir, "thumbnail_peer.py"), [url])
  const store = openGcs({ bucket: BUCKET, emulatorUrl: url })
  afterAll(async () => {
    await peer[Symbol.asyncDispose]()
    store[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  })

  /** A copy of a golden series. */
  const stand = async (golden: GoldenCase, folder: string) => {
    for (const key of golden.keys) {
      const { content_type, content_encoding } = golden.expected.objects[key]!
      const encoding = content_encoding === null ? {} : { contentEncoding: content_encoding }
      const options = { ifGeneration: "absent", contentType: content_type, ...encoding } as const
      await store.write(`${folder}/${key}`, golden.bytes(key), options)
    }
    const { study_uid: studyUid, series_uid: seriesUid, hashed_uids: hashedUids } = golden.expected
    return { datastore: `gs://${BUCKET}/${folder}`, studyUid, seriesUid, hashedUids }
  }
  type Place = Awaited<ReturnType<typeof stand>>
  const named = ({ datastore, studyUid, seriesUid, hashedUids }: Place) => {
    return { datastore, study_uid: studyUid, series_uid: seriesUid, hashed_uids: hashedUids }
  }
  const theirs = async (place: Place, size: number) => {
    const failure = await peer.ask<string | null>("make", { ...named(place), size })
    return failure === null ? await peer.ask<Shown>("show", named(place)) : failure
  }
  const ours = async (place: Place, size: number, resample: "area" | "bilinear"): Promise<Thumbnail> => {
    await withCODObject({ ...place, store, lock: true, syncOnExit: true }, async (cod) => {
      await cod.generateThumbnail({ size, resample })
    })
    await using cod = await CODObject.open({ ...place, store, lock: false })
    return await cod.getThumbnail()
  }

  describe("thumbnails of the golden series, on fake-gcs-server:", () => {
    for (const golden of goldenCases().filter(({ name }) => !CLOSED.test(name)))
      for (const size of golden.name.startsWith("thumbnail") ? [128, 96] : [128]) {
        test(`${golden.name}, ${size} pixels: ours and those of 2.2.0 show the same, and it shows ours`, async () => {
          // Its own ones of the golden series are 128.
          const folder = size === 128 ? golden.name : `${golden.name}-${size}`
          const original = await stand(golden, folder)
          if (size !== 128) await removeField(original)
          const made = await theirs(original, size)
          const place = await stand(golden, `ours-${folder}`)
          const likeTheirs = await ours(place, size, "bilinear")
          const shown = await peer.ask<Shown>("show", named(place))
          showsOurs(shown, likeTheirs)
          if (typeof made === "string") {
            expect(`${golden.name}: ${made}`).toMatch(FAILS)
            return
          }
          const untold = golden.expected.order[UNTOLD[golden.name] ?? -1]
          alike(shown, made, untold)
          const byArea = await ours(await stand(golden, `area-${folder}`), size, "area")
          expect(mostDifference(likeTheirs, made, untold)).toBeLessThan(ALIKE)
          expect(mostDifference(byArea, made, untold)).toBeLessThan(ALIKE_BY_AREA)

          await using cod = await CODObject.open({ ...original, store, lock: false })
          const read = await cod.getThumbnail()
          expect(mostDifference(read, made)).toBeLessThan(2)
          expect(read.shown.map(({ key, frame }) => [key, frame])).toEqual(namesOf(made.block))
          for (const [key, { frames }] of Object.entries(made.block.instances)) {
            const [first] = indicesOf(read.description, key)
            const corners = await peer.ask("corners", { anchors: frames[0]!.anchors })
            expect(cornersOf(frameAt(read.description, first!).anchors)).toEqual(corners as number[][])
          }
        })
      }
  })

  describe.skipIf(!existsSync(REAL))("thumbnails of real files, on fake-gcs-server:", () => {
    for (const [name, files] of Object.entries(FRESH)) {
      test(`${name}: ours and those of 2.2.0 show the same, and it shows ours`, async () => {
        const places = await Promise.all(
          ["theirs", "ours", "area"].map((who) => fresh(`${who} ${name}`, files)),
        )
        const made = await theirs(places[0]!, 128)
        if (typeof made === "string") throw new Error(made)
        const likeTheirs = await ours(places[1]!, 128, "bilinear")
        const shown = await peer.ask<Shown>("show", named(places[1]!))
        showsOurs(shown, likeTheirs)
        alike(shown, made, undefined)
        const byArea = await ours(places[2]!, 128, "area")
        expect(mostDifference(likeTheirs, made)).toBeLessThan(ALIKE)
        expect(mostDifference(byArea, made)).toBeLessThan(ALIKE_BY_AREA)
      })
    }
  })

  /** A series of such files, as we write it. */
  async function fresh(name: string, files: readonly string[]): Promise<Place> {
    const instances = files.map((file) => new Instance({ dicomUri: join(REAL, file) }))
    const studyUid = await instances[0]!.studyUid()
    const seriesUid = await instances[0]!.seriesUid()
    const place = { datastore: `gs://${BUCKET}/${name}`, studyUid, seriesUid }
    await withCODObject({ ...place, store, lock: true, syncOnExit: true }, async (cod) => {
      const { errors } = await cod.append(instances)
      expect(errors).toEqual([])
    })
    return { ...place, hashedUids: false }
  }

  /** 2.2.0 makes one only where there is none. */
  async function removeField(place: Place): Promise<void> {
    const all = { ...place, store, lock: true, syncOnExit: true } as const
    await withCODObject(all, async (cod) => void (await cod.removeMetadataField("thumbnail")))
  }
}

function showsOurs(shown: Shown, { description, pictures, shown: frames }: Thumbnail): void {
  expect(shown.block.version).toBe("1.0")
  expect(shown.side).toBe(description.size)
  expect(shown.pictures.length).toBe(pictures.length)
  expect(namesOf(shown.block)).toEqual(frames.map(({ key, frame }) => [key, frame]))
  const counts = [...description.instances].map(([key, { indices }]) => [key, indices.length])
  expect(shown.slices).toEqual(Object.fromEntries(counts))
  expect(mostDifference({ pictures, shown: frames }, shown)).toBeLessThan(2)
}

/** The same frames in the same order at the same places. */
function alike(shown: Shown, made: Shown, untold: string | undefined): void {
  const told = ({ block }: Shown) => namesOf(block).filter(([key]) => key !== untold)
  expect(told(shown)).toEqual(told(made))
  expect(boxesOf(shown.block, untold)).toEqual(boxesOf(made.block, untold))
}

function namesOf({ thumbnail_index_to_instance_frame: names }: Block): [string, number][] {
  return names.map(([key, frame]) => [key, frame])
}

/** Where a frame's own corners are shown. */
function cornersOf(anchors: ShownFrame["anchors"]): number[][] {
  const { width, height } = anchors.original
  const corners = [
    { x: 0, y: 0 },
    { x: width, y: height },
  ]
  return corners.map((corner) => Object.values(toThumbnail(anchors, corner)))
}

/** With both corners inside, whoever wrote it. */
function boxesOf({ version, instances }: Block, untold: string | undefined): unknown {
  const last = version === undefined ? 1 : 0
  const told = Object.entries(instances).filter(([key]) => key !== untold)
  return told.map(([key, { frames }]) => [
    key,
    frames.map(
      ({
        anchors: {
          thumbnail_bottom_right: { row, col },
          ...anchors
        },
      }) => {
        return { ...anchors, thumbnail_bottom_right: { row: row - last, col: col - last } }
      },
    ),
  ])
}

/** Mean absolute difference of the two pictures of a frame that differ most. */
function mostDifference(
  { pictures, shown }: Pick<Thumbnail, "pictures" | "shown">,
  other: Shown,
  untold?: string,
): number {
  const others = new Map(namesOf(other.block).map((name, at) => [name.join(), other.pictures[at]!]))
  const told = shown.flatMap((frame, at) => (frame.key === untold ? [] : [{ ...frame, ...pictures[at]! }]))
  const differences = told.map(({ key, frame, rgb }) => {
    const theirs = Buffer.from(others.get([key, frame].join())!, "base64")
    expect(theirs.length).toBe(rgb.length)
    return rgb.reduce((sum, value, i) => sum + Math.abs(value - theirs[i]!), 0) / rgb.length
  })
  return Math.max(...differences)
}
