import { afterAll, describe, expect, test } from "bun:test"
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import { type GoldenCase, goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { examplesIn, runExample, type StandIns, typeFaults } from "./readme/examples.ts"

const README = join(import.meta.dir, "../../lib/cod/README.md")

const dir = tempDir("readme")
afterAll(() => dir[Symbol.dispose]())

const MULTIFRAME = goldenCase("multiframe-native")
const SEVERAL = goldenCase("several-instances")
const CUSTOM = goldenCase("custom-fields")

/** What the README calls by short names: series of a bucket, instances of the first one, and local files. */
const STAND_INS: StandIns = {
  "gs://archive": pathToFileURL(dir.file("archive")).href,
  "/data": dir.path,
  "1.2.3.1.7": MULTIFRAME.expected.order[0]!,
  "1.2.3.1.8": MULTIFRAME.expected.order[1]!,
  "1.2.3.1.9": MULTIFRAME.expected.order[2]!,
}

/** Comments in the examples are claims: `runExample` says how they are written. */
describe("the README of lib/cod:", () => {
  stand(MULTIFRAME, "1.2.3.1")
  stand(SEVERAL, "1.2.3.2")
  stand(CUSTOM, "1.2.3.3")
  mkdirSync(dir.file("incoming"))
  const [first, second] = MULTIFRAME.expected.order
  writeFileSync(dir.file("incoming", "7.dcm"), instanceOf(MULTIFRAME, first!))
  writeFileSync(dir.file("incoming", "8.dcm"), instanceOf(MULTIFRAME, second!))

  const examples = examplesIn(readFileSync(README, "utf8"))

  test("the examples are right for the compiler", async () => {
    expect(await typeFaults(examples, README, dir.file("types"))).toEqual([])
  })

  for (const example of examples) {
    test(`${example.heading} (line ${example.line})`, async () => {
      await runExample(example, README, STAND_INS, dir.path)
    })
  }
})

/** Puts a golden series where the README has it. */
function stand({ folder, expected }: GoldenCase, seriesUid: string): void {
  const from = join(folder, "studies", expected.study_uid, "series", expected.series_uid)
  const to = dir.file("archive", "studies", "1.2.3", "series", seriesUid)
  mkdirSync(dirname(to), { recursive: true })
  cpSync(`${from}.tar`, `${to}.tar`)
  cpSync(from, to, { recursive: true })
}

function instanceOf({ keys, bytes, expected }: GoldenCase, key: string): Uint8Array {
  const { start_byte, size } = expected.instances[key]!
  return bytes(keys.find((name) => name.endsWith(".tar"))!).subarray(start_byte, start_byte + size)
}
