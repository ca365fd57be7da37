import { describe, expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { extract } from "tar-stream"
import { endOfTar, placeEntry } from "../../../../lib/cod/format/tar/write.ts"
import { noise } from "../../../contract/bodies.ts"
import { tempDir } from "../../../support/temp.ts"
import { GNU_TAR_IS_MISSING, PYTHON_IS_MISSING, tarfile } from "./tarfile.ts"
import { MTIME } from "./tars.ts"

/** Names that need no record, a long one and one that is not ASCII; sizes with padding and without. */
const FILES = new Map(
  [`instances/1.2.3.dcm`, `instances/${"9".repeat(200)}.dcm`, "instances/é.dcm", "instances/empty.dcm"].map(
    (name, n) => [name, noise([1500, 1024, 3, 0][n]!)] as const,
  ),
)

describe("a tar of ours is listed and extracted", () => {
  test.skipIf(GNU_TAR_IS_MISSING)("by GNU tar", async () => {
    using dir = tempDir()
    await Bun.write(dir.file("series.tar"), ourTar())
    mkdirSync(dir.file("out"))
    const listed = run(["tar", "-tf", dir.file("series.tar"), "--quoting-style=literal"])
    expect(listed.trim().split("\n")).toEqual([...FILES.keys()])
    const verbose = run(["tar", "-tvf", dir.file("series.tar"), "--full-time", "--utc"])
    expect(verbose).toContain("2023-11-14 22:13:20.25 instances/1.2.3.dcm")
    run(["tar", "-xf", dir.file("series.tar"), "-C", dir.file("out")])
    for (const [name, bytes] of FILES) expect(await Bun.file(dir.file("out", name)).bytes()).toEqual(bytes)
  })

  test.skipIf(PYTHON_IS_MISSING)("by Python's tarfile", async () => {
    using dir = tempDir()
    await Bun.write(dir.file("series.tar"), ourTar())
    const [files] = tarfile("extracted", [dir.file("series.tar")])
    const expected = [...FILES].map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")])
    expect(files).toEqual(Object.fromEntries(expected))
  })

  test("by tar-stream", async () => {
    const found = new Map<string, Uint8Array>()
    const extraction = extract()
    extraction.end(ourTar())
    for await (const entry of extraction) {
      const chunks: Uint8Array[] = []
      for await (const chunk of entry as AsyncIterable<Uint8Array>) chunks.push(chunk)
      found.set(entry.header.name, new Uint8Array(Buffer.concat(chunks)))
      expect(entry.header.type).toBe("file")
    }
    expect(found).toEqual(FILES)
  })
})

function ourTar(): Buffer {
  const parts: Uint8Array[] = []
  let at = 0
  for (const [name, bytes] of FILES) {
    const { header, member, padding } = placeEntry({ name, size: bytes.length, mtime: MTIME }, at)
    parts.push(header, bytes, padding)
    at = member.end
  }
  return Buffer.concat([...parts, endOfTar(at)])
}

/** What a program says, with names as UTF-8. It may not complain of anything. */
function run(command: string[]): string {
  const { stdout, stderr, success } = Bun.spawnSync(command, {
    env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" },
  })
  if (!success || stderr.length > 0) throw new Error(stderr.toString())
  return stdout.toString()
}
