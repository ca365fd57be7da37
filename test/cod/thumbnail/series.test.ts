import { describe, expect, test } from "bun:test"
import {
  CleanOpOnUnlockedCODObjectError,
  CODObject,
  CorruptInstanceError,
  findFfmpeg,
  type Instance,
  InstanceNotFoundError,
  NoExtractablePixelDataError,
  NotInThumbnailError,
  SeriesBeingRewritten,
  SeriesMissingPixelDataError,
  StaleThumbnailError,
  ThumbnailMissingError,
} from "../../../lib/cod/index.ts"
import { openInstance } from "../../../lib/cod/thumbnail/instance-frames.ts"
import { Unavailable } from "../../../lib/storage/errors.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { failureOf } from "../../contract/bodies.ts"
import { goldenCase } from "../../support/golden.ts"
import { tempDir } from "../../support/temp.ts"
import { dicom, SERIES, type SourceFiles, STUDY, sourceFiles, uid } from "../writing/files.ts"
import { folderWith, SITES, type Site } from "../writing/site.ts"

const VIDEO = goldenCase("thumbnail-mp4")
const PICTURE = goldenCase("thumbnail-jpg")
const SEVERAL = goldenCase("several-instances")
const HASHED = goldenCase("hashed-uids")

const withFfmpeg = describe.skipIf(findFfmpeg() === undefined)

function locked(site: Site, store: ObjectStore = site.store): Promise<CODObject> {
  return CODObject.open({ ...site.place, store, lock: true })
}

function reading(site: Site): Promise<CODObject> {
  return CODObject.open({ ...site.place, store: site.store, lock: false })
}

for (const [where, open] of Object.entries(SITES))
  withFfmpeg(`a thumbnail in ${where}`, () => {
    test("is stored by sync, ahead of the metadata that describe it, and takes the place of the other kind", async () => {
      await using site = await open(PICTURE)
      await site.put("thumbnailMp4", Buffer.from("left by somebody"))
      const before = await site.document()
      await using cod = await locked(site)
      const { description, bytes, black } = await cod.generateThumbnail({ size: 64 })
      expect(black).toEqual([])
      expect(await site.document()).toEqual(before)
      await cod.sync()
      await cod.release()

      expect(await site.head("thumbnailJpg")).toMatchObject({ contentType: "image/jpeg", size: bytes.length })
      expect(await site.head("thumbnailMp4")).toBeUndefined()
      expect((await site.document()).thumbnail).toMatchObject({
        version: "1.0",
        uri: `${site.uri}/thumbnail.jpg`,
        size: 64,
      })
      expect((await site.check()).isSound).toBe(true)
      await using after = await reading(site)
      const { pictures, shown } = await after.getThumbnail()
      expect(pictures.map(({ size, rgb }) => [size, rgb.length])).toEqual([[64, 64 * 64 * 3]])
      expect(shown).toEqual(description.frames)
    })

    test("shows each instance's frames, and knows whose each is", async () => {
      await using site = await open(VIDEO)
      await using cod = await locked(site)
      await cod.generateThumbnail()
      await cod.sync()
      await cod.release()
      await using after = await reading(site)
      const whole = await after.getThumbnail()
      const [first, second, third, without] = VIDEO.expected.order
      expect(whole.pictures.length).toBe(6)
      expect(whole.shown.map(({ key, frame }) => [key, frame])).toEqual([
        [first!, 0],
        ...[0, 1, 2, 3].map((frame): [string, number] => [second!, frame]),
        [third!, 0],
      ])
      const part = await after.getThumbnail({ instance: second! })
      expect(part.pictures).toEqual(whole.pictures.slice(1, 5))
      expect((await after.getInstanceByThumbnailIndex(4)).record!.key).toBe(second!)
      expect((await after.getInstanceByThumbnailIndex(-1)).record!.key).toBe(third!)
      expect(await failureOf(after.getInstanceByThumbnailIndex(6))).toBeInstanceOf(NotInThumbnailError)
      expect(await failureOf(after.getThumbnail({ instance: without! }))).toBeInstanceOf(NotInThumbnailError)
      expect(await failureOf(after.getThumbnail({ instance: "1.2" }))).toBeInstanceOf(InstanceNotFoundError)
    })
  })

withFfmpeg("a thumbnail", () => {
  test("of the Python package is shown, of one frame and of several", async () => {
    for (const [golden, frames] of [
      [PICTURE, 1],
      [VIDEO, 6],
    ] as const) {
      await using site = await folderWith(golden)
      await using cod = await reading(site)
      expect((await cod.getThumbnail()).pictures.map(({ size }) => size)).toEqual(Array(frames).fill(128))
    }
  })

  test("is out of date when an image came, went or changed, and not for what has no pixels", async () => {
    await using site = await folderWith(VIDEO)
    await using cod = await locked(site)
    await cod.generateThumbnail()
    await cod.sync()
    const [first, , , without] = VIDEO.expected.order
    await cod.remove([without!])
    await cod.sync()
    await using after = await reading(site)
    expect((await after.getThumbnail()).pictures.length).toBe(6)

    await cod.remove([first!])
    await cod.sync()
    await after.reload()
    expect(await failureOf(after.getThumbnail())).toBeInstanceOf(StaleThumbnailError)
    expect((await after.getThumbnail({ allowStale: true })).pictures.length).toBe(6)
    // Under the lock it is made again.
    expect((await cod.getThumbnail()).pictures.length).toBe(5)
    await cod.sync()
    await cod.release()
    expect((await after.getThumbnail()).pictures.length).toBe(5)

    await site.changeMetadata(({ thumbnail }) => {
      const { instances } = thumbnail as { instances: Record<string, { crc32c: string }> }
      Object.values(instances)[0]!.crc32c = "AAAAAA=="
    })
    await after.reload()
    expect(await failureOf(after.getThumbnail())).toBeInstanceOf(StaleThumbnailError)
  })

  test("that is another file than the metadata describe is out of date", async () => {
    await using site = await folderWith(SEVERAL)
    await using cod = await locked(site)
    const { bytes } = await cod.generateThumbnail()
    await cod.sync()
    await cod.release()
    expect((await site.check()).findings).toEqual([])
    await site.put("thumbnailMp4", Buffer.concat([bytes, Buffer.alloc(1)]))
    expect((await site.check()).findings.map(({ kind }) => kind)).toEqual(["thumbnail-stale"])
    await using after = await reading(site)
    expect(await failureOf(after.getThumbnail())).toBeInstanceOf(StaleThumbnailError)
  })

  test("that is not there, or described by nobody, is missing; under the lock it is made", async () => {
    await using site = await folderWith(SEVERAL)
    await using before = await reading(site)
    expect(await failureOf(before.getThumbnail())).toBeInstanceOf(ThumbnailMissingError)
    expect(await failureOf(before.getInstanceByThumbnailIndex(0))).toBeInstanceOf(ThumbnailMissingError)
    await using cod = await locked(site)
    expect((await cod.getThumbnail({ size: 32 })).pictures.map(({ size }) => size)).toEqual(Array(5).fill(32))
    await cod.sync()
    await cod.release()
    // Who opened it before sees it, too.
    expect((await before.getThumbnail()).pictures.length).toBe(5)
    await site.remove("thumbnailMp4")
    expect(await failureOf(before.getThumbnail())).toBeInstanceOf(ThumbnailMissingError)
  })

  test("of hashed UIDs names the hashed ones", async () => {
    await using site = await folderWith(HASHED)
    await using cod = await locked(site)
    await cod.generateThumbnail()
    await cod.sync()
    await cod.release()
    const { thumbnail } = (await site.document()) as unknown as { thumbnail: { instances: object } }
    expect(Object.keys(thumbnail.instances)).toEqual([...HASHED.expected.order])
  })

  test("without the lock stays here, if that is said", async () => {
    await using site = await folderWith(SEVERAL)
    await using cod = await reading(site)
    expect(await failureOf(cod.generateThumbnail())).toBeInstanceOf(CleanOpOnUnlockedCODObjectError)
    await cod.generateThumbnail({ dirty: true })
    expect((await cod.getThumbnail()).pictures.length).toBe(5)
    expect(await failureOf(cod.sync())).toBeInstanceOf(CleanOpOnUnlockedCODObjectError)
    expect(await site.head("thumbnailMp4")).toBeUndefined()
  })

  test("shows instances that are not stored yet, and goes out in the same sync", async () => {
    using dir = tempDir("thumbnail")
    const files = sourceFiles(dir.path)
    await using site = await folderWith(SEVERAL)
    const place = { ...site.place, studyUid: STUDY, seriesUid: SERIES }
    await using cod = await CODObject.open({ ...place, store: site.store, lock: true })
    await cod.append(all(files, dicom({ instance: uid(1) }), dicom({ instance: uid(2) })))
    await cod.generateThumbnail({ size: 32 })
    await cod.append(all(files, dicom({ instance: uid(3) })))
    expect((await cod.getThumbnail({ size: 32 })).pictures.length).toBe(3)
    await cod.sync()
    await cod.release()
    await using after = await CODObject.open({ ...place, store: site.store, lock: false })
    expect((await after.getThumbnail()).shown.map(({ key }) => key)).toEqual([uid(1), uid(2), uid(3)])
  })

  test("has black frames for what cannot be decoded and what has no contrast, and says which", async () => {
    using dir = tempDir("thumbnail")
    const files = sourceFiles(dir.path)
    await using site = await folderWith(SEVERAL)
    const place = { ...site.place, studyUid: STUDY, seriesUid: SERIES }
    await using cod = await CODObject.open({ ...place, store: site.store, lock: true })
    const blank = dicom({ instance: uid(1), pixels: new Uint8Array(300) })
    const good = dicom({ instance: uid(2) })
    const bad = cutOff(dicom({ instance: uid(3), frames: 2 }))
    await cod.append(all(files, blank, good, bad))
    const { black, description } = await cod.generateThumbnail({ size: 32 })
    expect(description.frames.length).toBe(4)
    expect(black.map(({ key, frame, error }) => [key, frame, error === undefined])).toEqual([
      [uid(1), 0, true],
      [uid(3), 0, false],
      [uid(3), 1, false],
    ])
    await cod.release()
  })

  test("has a black frame, as large as the metadata say, for an instance that is damaged", async () => {
    await using site = await folderWith(VIDEO)
    const [first] = VIDEO.expected.order
    const { start_byte, size } = VIDEO.expected.instances[first!]!
    await site.changeTar((tar) => {
      tar[start_byte + size - 2]! ^= 1
      return tar
    })
    await using cod = await reading(site)
    const { black, description } = await cod.generateThumbnail({ dirty: true })
    expect(black.map(({ key, frame }) => [key, frame])).toEqual([[first!, 0]])
    expect(black[0]!.error).toBeInstanceOf(CorruptInstanceError)
    expect(description.frames[0]!.anchors.original).toEqual({ width: 64, height: 40 })
    expect(description.frames.length).toBe(6)
  })

  test("goes on when its upload failed, with the next sync", async () => {
    await using site = await folderWith(SEVERAL)
    let failures = 1
    const store: ObjectStore = {
      ...site.store,
      write(...[key, body, options, signal]: Parameters<ObjectStore["write"]>) {
        if (key.endsWith(".mp4") && failures-- > 0) throw new Unavailable("not now", {})
        return site.store.write(key, body, options, signal)
      },
    }
    await using cod = await locked(site, store)
    await cod.generateThumbnail()
    expect(await failureOf(cod.sync())).toBeInstanceOf(Unavailable)
    expect((await site.document()).thumbnail).toBeUndefined()
    await cod.sync()
    await cod.release()
    await using after = await reading(site)
    expect((await after.getThumbnail()).pictures.length).toBe(5)
  })

  test("that was made and is described no more is not stored", async () => {
    await using site = await folderWith(SEVERAL)
    await using cod = await locked(site)
    await cod.generateThumbnail()
    await cod.removeMetadataField("thumbnail")
    await cod.sync()
    await cod.release()
    expect(await site.head("thumbnailMp4")).toBeUndefined()
  })
})

describe("no thumbnail", () => {
  test("is made while another try may read what could not be read now", async () => {
    await using site = await folderWith(PICTURE)
    const rewritten = new SeriesBeingRewritten(site.uri, 30_000, undefined)
    await using cod = await reading(site)
    const instance = await cod.getInstanceByIndex(0)
    instance.moveTo({ uri: instance.dicomUri, open: () => Promise.reject(rewritten) })
    expect(await failureOf(openInstance(instance))).toBe(rewritten)
  })

  test("is made of a series without pixels, nor of one of which no frame can be decoded", async () => {
    using dir = tempDir("thumbnail")
    const files = sourceFiles(dir.path)
    await using site = await folderWith(SEVERAL)
    const place = { ...site.place, studyUid: STUDY, seriesUid: SERIES }
    await using cod = await CODObject.open({ ...place, store: site.store, lock: true })
    await cod.append(all(files, dicom({ instance: uid(1), pixels: undefined })))
    expect(await failureOf(cod.generateThumbnail())).toBeInstanceOf(SeriesMissingPixelDataError)
    await cod.append(all(files, cutOff(dicom({ instance: uid(2) }))))
    expect(await failureOf(cod.generateThumbnail())).toBeInstanceOf(NoExtractablePixelDataError)
    await cod.release()
  })

  test("has an odd size, or one that nobody needs", async () => {
    await using site = await folderWith(SEVERAL)
    await using cod = await reading(site)
    for (const size of [127, 0, 8192, 12.5, Number.NaN])
      expect(await failureOf(cod.generateThumbnail({ size, dirty: true }))).toBeInstanceOf(UsageError)
  })
})

/** A file that says it has more rows than it has pixels for. */
function cutOff(file: Buffer): Buffer {
  const rows = file.indexOf(Buffer.from([0x28, 0x00, 0x10, 0x00]))
  file.writeUInt16LE(9999, rows + 8)
  return file
}

function all(files: SourceFiles, ...contents: readonly Uint8Array[]): Instance[] {
  return contents.map((bytes) => files.of(bytes))
}
