import { afterAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { failureOf } from "../../contract/bodies.ts"
import { PROJECT_ROOT } from "../../support/process.ts"
import { tempDir } from "../../support/temp.ts"
import { examplesIn, runExample, typeFaults } from "./examples.ts"

const DOCUMENT = join(PROJECT_ROOT, "lib/cod/README.md")

const dir = tempDir("examples")
afterAll(() => dir[Symbol.dispose]())

describe("an example", () => {
  const run = async (...code: string[]) => {
    const [example] = examplesIn(["# A heading", "", "```ts", ...code, "```"].join("\n"))
    await runExample(example!, DOCUMENT, { "gs://archive": "file:///a", "1.2": "2.25.7" }, dir.path)
  }
  const FORMAT = `import { tarUri } from "./format/layout.ts"`
  const PLACE = `{ datastore: "gs://archive", studyUid: "1.2", seriesUid: "1.2.3" }`

  test("whose claims are true passes, with other names in it", async () => {
    const right = [
      `tarUri(${PLACE}) // => "gs://archive/studies/1.2/series/1.2.3.tar"`,
      `const length = tarUri(${PLACE}).length // => ${"file:///a/studies/2.25.7/series/1.2.3.tar".length}`,
      `await Promise.reject(new RangeError("length")) // throws RangeError`,
    ]
    await run(FORMAT, ...right)
  })

  test.each([
    [`1 + 1 // => 3`, "line 4"],
    [`const sum = 1 + 1 // => 3`, "line 4"],
    [`await Promise.resolve([1]) // => [2]`, "line 4"],
    [`null // throws RangeError`, "line 4"],
    [`JSON.parse("") // throws RangeError`, "line 4"],
    [`throw new Error("by itself")`, "by itself"],
    [`nobody()`, "nobody"],
    [`for (const n of []) {\n  n // => 1\n}`, "never reached"],
  ])("that is wrong fails: %j", async (code, message) => {
    expect(String(await failureOf(run(code)))).toContain(message)
  })
})

test("examples that the compiler refuses are told by their lines", async () => {
  const code = `import { tarUri } from "./format/layout.ts"\ntarUri("gs://archive")\nconst unused = 1\n`
  const faults = await typeFaults([{ heading: "", line: 10, code }], DOCUMENT, dir.file("wrong"))
  expect(faults).toEqual([expect.stringMatching(/^line 11: error TS2345/)])
})
