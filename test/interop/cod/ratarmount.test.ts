import { afterAll, describe, expect, test } from "bun:test"
import { statSync } from "node:fs"
import { join } from "node:path"
import { buildIndex } from "../../../lib/cod/format/index/build.ts"
import type { TarMember } from "../../../lib/cod/format/tar/member.ts"
import { endOfTar, placeEntry } from "../../../lib/cod/format/tar/write.ts"
import { noise } from "../../contract/bodies.ts"
import { tempDir } from "../../support/temp.ts"
import { startPython } from "./peer.ts"
import { pythonWithCod } from "./venv.ts"

/** What `mount.py` answers: files by name, with their SHA-256; whether the index was taken as it is. */
interface Mounted {
  readonly files: Readonly<Record<string, string>>
  readonly kept: boolean
}

const python = await pythonWithCod()
if (python === undefined) test.skip("ratarmountcore", () => {})
else {
  const peer = startPython(python, join(import.meta.dir, "mount.py"))
  afterAll(() => peer[Symbol.asyncDispose]())

  describe("ratarmountcore", () => {
    test.each([1, 2, 40])("opens a tar of %i instances by the index that we made for it", async (count) => {
      using dir = tempDir()
      const { tar, members, contents } = tarOf(count)
      await Bun.write(dir.file("series.tar"), tar)
      const { mtimeMs } = statSync(dir.file("series.tar"))
      const index = buildIndex(members, { size: tar.length, mtime: mtimeMs / 1000 })
      await Bun.write(dir.file("index.sqlite"), index)
      const mounted = await mount(dir.file("series.tar"), dir.file("index.sqlite"))
      expect(mounted).toEqual({ files: contents, kept: true })
    })

    test("makes an index of its own where there is none that fits", async () => {
      using dir = tempDir()
      const { tar, contents } = tarOf(3)
      const other = tarOf(2)
      await Bun.write(dir.file("series.tar"), tar)
      await Bun.write(
        dir.file("index.sqlite"),
        buildIndex(other.members, { size: tar.length + 512, mtime: 1_700_000_000 }),
      )
      const mounted = await mount(dir.file("series.tar"), dir.file("index.sqlite"))
      expect(mounted).toEqual({ files: contents, kept: false })
    })
  })

  const mount = (tar: string, index: string) => peer.ask<Mounted>("mount", { tar, index })
}

/** Instances of sizes with padding and without. */
function tarOf(count: number) {
  const parts: Uint8Array[] = []
  const members: TarMember[] = []
  const contents: Record<string, string> = {}
  for (let n = 0; n < count; n++) {
    const data = noise(1024 + 100 * n)
    const name = `2.25.${n}.dcm`
    const entry = { name: `instances/${name}`, size: data.length, mtime: 1_700_000_000.25 + n }
    const { header, member, padding } = placeEntry(entry, members.at(-1)?.end ?? 0)
    parts.push(header, data, padding)
    members.push(member)
    contents[name] = new Bun.CryptoHasher("sha256").update(data).digest("hex")
  }
  return { tar: Buffer.concat([...parts, endOfTar(members.at(-1)?.end ?? 0)]), members, contents }
}
