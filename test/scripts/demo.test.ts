import { expect, test } from "bun:test"
import { cpSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { PROJECT_ROOT, runScript, startScript } from "../support/process.ts"
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
  expect(stdout).toMatch(/^Ledger +state\/demo\/ledger.sqlite$/m)
}, 30_000)

test("ends with what cod info says of a series; the second time there is nothing left to do but to look at it", async () => {
  using dir = tempDir("demo")
  cloneIn(dir)
  const first = await runScript([dir.file("scripts", "demo.ts")])
  expect(first.stdout).toContain("32 series packed (38 new instances, 0 there already, 0 in conflict)")
  const uri = /^series +(file:\S+)$/m.exec(first.stdout)![1]!
  const { stdout: info } = await runScript([dir.file("scripts", "cod.ts"), "info", uri])
  expect(first.stdout).toContain(`\nIts largest series\n${info}`)
  expect(info).toContain("instances        3,")
  const [, listing] = /run cod ls file:\/\/\$PWD(\S+)$/m.exec(first.stdout)!
  const ls = await runScript([
    dir.file("scripts", "cod.ts"),
    "ls",
    `${pathToFileURL(dir.path).href}${listing}`,
  ])
  expect(ls.stdout).toEndWith("24 studies, 32 series, 38 instances, 14 MB\n")
  await using open = startScript([dir.file("scripts", "demo.ts"), "--open"])
  await open.saysOnStderr("until Ctrl-C.\n")
  open.kill("SIGINT")
  const again = await open.finished
  expect([again.exitCode, again.stdout]).toEqual([130, expect.stringContaining("\nNothing left to do.\n")])
  expect(again.stdout).not.toContain("packed")
  expect(again.stdout).toContain(info)
  expect(again.stderr).toMatch(/^The page is at http:\/\/127\.0\.0\.1:\d+\/ until Ctrl-C\.$/m)
}, 60_000)
