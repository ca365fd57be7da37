/** Who reads a series while somebody else writes it never gets wrong bytes, and gets the right ones in the end. */
import { describe, expect, test } from "bun:test"
import { InstanceNotFoundError } from "../../lib/cod/index.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { dicom, noise, uid } from "../cod/writing/files.ts"
import { documentOf, readBack, SITES, type Site } from "../cod/writing/sites.ts"

const FRAMES = 3
const FRAME_BYTES = 200

/** Fewer in a folder, where each takes its time: 70 changes and 20 are told apart by nothing but their number. */
const APPENDS: Readonly<Record<string, number>> = { "a folder": 15, "a bucket": 50 }

const pixelsOf = (n: number) => noise(FRAMES * FRAME_BYTES + 2 * FRAMES * (n % 7), n)
const fileOf = (n: number) => dicom({ instance: uid(n), pixels: pixelsOf(n), frames: FRAMES })

/** Which instances there are at first, and what is done to them, one change after the other. */
async function write(site: Site, appends: number): Promise<void> {
  let there = [0, 1]
  for (let n = 2; n < appends + 2; n++) {
    await site.change((cod) => cod.append([site.files.of(fileOf(n))]))
    there.push(n)
    if (n % 5 === 0) {
      const gone = there.splice(n % 3, 1)
      await site.change((cod) => cod.remove(gone.map(uid)))
    }
    if (n % 5 === 2) {
      there = there.filter((each) => each !== there[n % 4])
      await site.change((cod) => cod.truncate(there.map(uid)))
    }
  }
}

/** Reads what there is, whole and by frames, until the writer has ended; everything once more then. */
async function readAsWeDo(site: Site, isOver: () => boolean): Promise<number> {
  await using cod = await site.open({ lock: false })
  let count = 0
  const readOne = async (key: string, n: number) => {
    expect(Buffer.compare(await readBack(cod, key), fileOf(n))).toBe(0)
    const frame = 1 + (count % FRAMES)
    await using view = await cod.openFrame(key, frame)
    const size = pixelsOf(n).length / FRAMES
    expect(Buffer.compare(await view.bytes(), pixelsOf(n).subarray((frame - 1) * size, frame * size))).toBe(0)
  }
  for (let isLast = false; !isLast; ) {
    isLast = isOver()
    await cod.reload()
    const keys = [...(await cod.getMetadata()).instances.keys()]
    for (const key of isLast ? keys : [keys[count % keys.length]!]) {
      count += 1
      await readOne(key, numberOf(key)).catch((error) => {
        // It was removed meanwhile.
        if (isLast || !(error instanceof InstanceNotFoundError)) throw error
      })
    }
  }
  return count
}

/** As any other reader does: by metadata.json a range of the tar; when that has another CRC32C, all over again. */
async function readPlainly(site: Site, isOver: () => boolean): Promise<number> {
  let count = 0
  for (let isLast = false; !isLast; ) {
    isLast = isOver()
    const { cod } = documentOf(await site.bytes(site.keys.metadata))
    const entries = Object.entries(cod.instances)
    for (const [key, entry] of isLast ? entries : [entries[count % entries.length]!]) {
      const { start_byte: start, end_byte: end } = entry.headers
      const bytes = await range(site, start, end)
      if (crc32cBase64(bytes) !== entry.crc32c) {
        expect(isLast).toBeFalse()
        continue
      }
      count += 1
      expect(Buffer.compare(bytes, fileOf(numberOf(key)))).toBe(0)
    }
  }
  return count
}

/** Nothing where the tar has become shorter. */
async function range({ store, keys }: Site, start: number, end: number): Promise<Uint8Array> {
  try {
    return await new Response((await store.read(keys.tar, { range: { start, end } })).stream).bytes()
  } catch {
    return new Uint8Array(0)
  }
}

const numberOf = (key: string) => Number(key.slice(key.lastIndexOf(".") + 1))

for (const [where, openSite] of Object.entries(SITES)) {
  describe(`readers of a series in ${where}`, () => {
    const appends = APPENDS[where]!
    test("to which one appends, and of which every third change takes something, read what is true", async () => {
      await using site = await openSite()
      await site.change((cod) => cod.append([0, 1].map((n) => site.files.of(fileOf(n)))))
      let isWritten = false
      const isOver = () => isWritten
      const readers = [readAsWeDo(site, isOver), readAsWeDo(site, isOver), readPlainly(site, isOver)]
      await write(site, appends).finally(() => {
        isWritten = true
      })
      for (const count of await Promise.all(readers)) expect(count).toBeGreaterThan(appends / 2)
      expect((await site.check()).findings).toEqual([])
    }, 60_000)
  })
}
