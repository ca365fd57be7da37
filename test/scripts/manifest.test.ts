import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { complete } from "../support/copying.ts"
import { chestStudy, image, metadata, type TestLedger, testLedger } from "../support/ledger.ts"
import { PROJECT_ROOT, runScript } from "../support/process.ts"

const ROWS = 2000

let bench: TestLedger

beforeAll(() => {
  bench = testLedger()
  const images = Array.from({ length: ROWS }, (_, n) => image(`i${n}`))
  recordStudy(bench.ledger, chestStudy("a", { objects: [metadata(), ...images] }), bench.cohortId)
  // One transaction: thousands would be as many flushes of the disk.
  bench.ledger.write(() => complete(bench, "a"))
})

afterAll(() => bench[Symbol.dispose]())

const manifest = (...words: string[]) =>
  runScript(["scripts/manifest.ts", ...words], { env: { LEDGER_PATH: bench.path } })

describe("bun run manifest", () => {
  test("prints rows on standard output and nothing else there", async () => {
    const { exitCode, stdout, stderr } = await manifest()
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
    const lines = stdout.trimEnd().split("\n")
    expect(lines).toHaveLength(ROWS)
    for (const line of lines) expect(JSON.parse(line).study_id).toBe("a")
  })

  test("ends quietly when its reader leaves", async () => {
    const pipeline = `"$0" --no-env-file scripts/manifest.ts | head -n 1 >/dev/null; echo "\${PIPESTATUS[0]}"`
    const child = Bun.spawn(["bash", "-c", pipeline, process.execPath], {
      cwd: PROJECT_ROOT,
      env: { PATH: process.env.PATH, LEDGER_PATH: bench.path },
      stdout: "pipe",
      stderr: "pipe",
    })
    expect(await Promise.all([child.stdout.text(), child.stderr.text()])).toEqual(["0\n", ""])
  })

  test("with --out writes them to a file and tells how many, and their hash", async () => {
    const path = bench.dir.file("rows.csv")
    const { exitCode, stdout } = await manifest("--format", "csv", "--out", path, "--json")
    const rows = await Bun.file(path).bytes()
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      studies: 1,
      rows: ROWS,
      bytes: rows.length,
      sha256: new Bun.CryptoHasher("sha256").update(rows).digest("hex"),
    })
  })

  test.each([[["--json"]], [["--format", "xml"]], [["--cohort", "99"]], [["--cohort", "0"]]])(
    "%p is a usage error: exit code 2, nothing on standard output",
    async (words) => {
      const { exitCode, stdout, stderr } = await manifest(...words)
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
      expect(stderr).toContain(words.at(-1)!)
    },
  )
})
