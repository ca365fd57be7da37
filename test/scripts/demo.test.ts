import { expect, test } from "bun:test"
import { cpSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { PROJECT_ROOT, runScript } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"

/** A clone of its own: the demo keeps what it makes below the project's folder. */
function cloneIn(dir: { file(...names: string[]): string }) {
  for (const name of ["lib", "scripts", "package.json"]) {
    cpSync(join(PROJECT_ROOT, name), dir.file(name), { recursive: true })
  }
  symlinkSync(join(PROJECT_ROOT, "node_modules"), dir.file("node_modules"))
}

test("an operator's settings are nothing to the demo, which marks the doctors that it chose", async () => {
  using dir = tempDir("demo")
  cloneIn(dir)
  const env = { RANK_FROM: "abc", LEDGER_PATH: "/nonexistent/ledger.sqlite", DESTINATION_URI: "wrong" }
  const { exitCode, stdout, stderr } = await runScript([dir.file("scripts", "demo.ts")], { env })
  expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""])
  const marked = [...stdout.matchAll(/^(\d+) \*/gm)].map(([, rank]) => Number(rank))
  expect(marked).toEqual([2, 3, 4, 5, 6])
  expect(stdout).toContain("Ledger  state/demo/ledger.sqlite")
}, 30_000)
