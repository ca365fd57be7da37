import { expect, test } from "bun:test"
import { seriesByNo } from "../../../lib/ledger/cod/series.ts"
import { confirmPacked } from "../../../lib/pipeline/ingest/confirm.ts"
import { deleteCopies } from "../../../lib/pipeline/ingest/delete-copies.ts"
import { packSeries } from "../../../lib/pipeline/ingest/pack-series.ts"
import { uid } from "../../cod/writing/files.ts"
import { newRun } from "../../support/ledger.ts"
import { NEVER, packed } from "./packed.ts"

test("What somebody overwrote in a series, and has no raw copy any more, is copied again before it is packed", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [{ instance: uid(1) }, { instance: uid(2) }])
  await site.pack()
  await deleteCopies(site.deps, {}, NEVER)
  await site.remove(uid(1))
  site.clock.advance(1000)
  const runId = newRun(site.ledger)
  expect(await confirmPacked({ ...site.deps, runId }, NEVER)).toBe(1)
  const files = "select state, copy_deleted_at is null as fetched, to_pack from objects where kind = 'dicom'"
  expect(site.rows(files)).toEqual([
    { state: "pending", fetched: 1, to_pack: 0 },
    { state: "copied", fetched: 0, to_pack: 1 },
  ])
  expect(site.rows("select due from studies")).toEqual([{ due: 1 }])
  // The other one is there: by what is known of it, without a look at any bytes.
  const end = await packSeries({ ...site.deps, runId }, seriesByNo(site.ledger, 1)!, "a")
  expect(end).toMatchObject({ outcome: "packed", errors: [], files: [{ position: 2, result: "same" }] })
})
