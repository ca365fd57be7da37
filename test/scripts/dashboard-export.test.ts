import { expect, test } from "bun:test"
import { join } from "node:path"
import { openHospital } from "../support/hospital.ts"
import { documentOf, script } from "../support/scripts.ts"
import { tempDir } from "../support/temp.ts"

test("dashboard --export writes the page as one file, says so, and ends; it is no run", async () => {
  using hospital = await openHospital()
  using folder = tempDir("export")
  const file = join(folder.path, "page.html")
  const early = await script(hospital, "dashboard", "--export", file)
  expect([early.exitCode, await Bun.file(file).exists()]).toEqual([2, false])
  await hospital.admit()
  await hospital.discoverAndCopy()
  const before = hospital.rows("select * from runs")
  const { exitCode, stdout } = await script(hospital, "dashboard", "--export", file)
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`${file}: now, failures,`)])
  const text = await Bun.file(file).text()
  expect(text).toContain("a chosen doctor signed one of them")
  expect(text).toContain("Nothing failed.")
  const told = documentOf(await script(hospital, "dashboard", "--json", "--export", file))
  expect(told).toMatchObject({ file, bytes: expect.any(Number), ledger_id: expect.any(String) })
  expect(hospital.rows("select * from runs")).toEqual(before)
  const nowhere = await script(hospital, "dashboard", "--export", join(folder.path, "no", "page.html"))
  expect([nowhere.exitCode, nowhere.stderr]).toEqual([2, expect.stringContaining("cannot be written")])
})
