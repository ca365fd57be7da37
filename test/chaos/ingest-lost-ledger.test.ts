/** A box whose ledger is gone: what it knew stands in the receipts and in the series. */
import { expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { testPacs } from "../support/pacs.ts"
import { archive } from "./ingest-archive.ts"
import { expectAllPackedOnce, expectNothingToDo, keysOf } from "./ingest-end-state.ts"
import { openIngestSite } from "./ingest-site.ts"

test("After a lost ledger was made anew, nothing is copied and nothing is packed", async () => {
  await using pacs = await testPacs()
  const all = archive({ series: 24, broken: false })
  await pacs.insert(all.rows)
  await using site = await openIngestSite(pacs, all)
  using box = site.openBox()
  expect((await box.run("scripts/run.ts")).exitCode).toBe(0)
  const keys = keysOf(box)

  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${box.env.LEDGER_PATH}${suffix}`, { force: true })
  const rebuilt = await box.run("scripts/verify.ts", "--rebuild-ledger", box.env.LEDGER_PATH!, "--json")
  expect({ ...rebuilt, ...JSON.parse(rebuilt.stdout) }).toMatchObject({
    exitCode: 0,
    series: 24,
    unusable: [],
  })

  const before = site.cloud.log.entries.length
  const { exitCode, stdout } = await box.run("scripts/run.ts", "--json")
  expect({ exitCode, ...JSON.parse(stdout).totals }).toMatchObject({
    exitCode: 0,
    failed: 0,
    series_packed: 0,
  })
  const requests = site.cloud.log.entries.slice(before)
  expect(requests.filter(({ effect }) => effect !== undefined)).toEqual([])
  expect(requests.filter(({ operation }) => operation === "s3.get" || operation === "gcs.media")).toEqual([])
  await expectNothingToDo(box)
  expect(keysOf(box)).toEqual(keys)
  await expectAllPackedOnce(box)
}, 120_000)
