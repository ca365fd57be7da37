/** A run that dies ahead of any await between an intent and its result, and is resumed. */
import { expect, test } from "bun:test"
import { forEachLimit } from "../../lib/support/pool.ts"
import { startChild } from "../support/children.ts"
import { rows } from "../support/ledger.ts"
import { testPacs } from "../support/pacs.ts"
import { smallArchive } from "./ingest-archive.ts"
import { expectAllPackedOnce, keysOf } from "./ingest-end-state.ts"
import { runHere } from "./ingest-run.ts"
import { type Box, openIngestSite } from "./ingest-site.ts"

/** Runs that die at a time. */
const LANES = 4

const settings = { OBJECTS_IN_FLIGHT: "1", INGEST_CONCURRENCY: "1" }

test("A run that dies ahead of any call of a store or commit ends, resumed, as if it had not", async () => {
  await using pacs = await testPacs()
  const all = smallArchive()
  await pacs.insert(all.rows)
  await using site = await openIngestSite(pacs, all)
  using undisturbed = site.openBox({ settings })
  const awaits = await countAwaits(undisturbed)
  const expectedKeys = keysOf(undisturbed)

  const left = { stops: 0, intended: 0, unheard: 0, held: 0, unrecorded: 0 }
  await forEachLimit(Array(LANES).keys(), LANES, async (lane) => {
    // Until one ends undisturbed.
    for (let n = lane + 1; ; n += LANES) {
      using box = site.openBox({ settings })
      if (!(await diesAt(box, n))) return
      left.stops += 1
      for (const lock of locksLeft(box)) left[lock] += 1
      expect(await runHere(box.env)).toBe(0)
      expect({ n, keys: keysOf(box) }).toEqual({ n, keys: expectedKeys })
      await expectAllPackedOnce(box)
    }
  })
  console.log(`ingest stop test: ${JSON.stringify({ series: all.series.length, awaits, ...left })}`)
  expect(left.stops).toBeGreaterThanOrEqual(awaits.store + awaits.commit - 2 * LANES)
  // A lock was left in each of its states.
  for (const count of Object.values(left)) expect(count).toBeGreaterThan(0)
}, 240_000)

/** Of an undisturbed run. */
async function countAwaits(box: Box): Promise<{ readonly store: number; readonly commit: number }> {
  await using child = await startDying(box, Number.POSITIVE_INFINITY)
  await child.go()
  return JSON.parse(await child.output())
}

/** @returns false when it ended before it came to that */
async function diesAt(box: Box, n: number): Promise<boolean> {
  await using child = await startDying(box, n)
  await child.go()
  return (await child.ended) === "SIGKILL"
}

function startDying(box: Box, n: number) {
  return startChild(["test/chaos/ingest-child.ts", String(n), JSON.stringify(box.env)], "ready")
}

/** Of each lock whose end the ledger does not know: what it knows, held against what stands. */
function locksLeft(box: Box) {
  using ledger = box.openLedger()
  const open = rows<{ isHeard: 0 | 1; uri: string }>(
    ledger,
    "select generations is not null as isHeard, series_uri as uri from cod_locks where ended_at is null",
  )
  const standing = box.cloud.keys(box.destination).filter((key) => key.endsWith(".lock"))
  return open.map(({ isHeard, uri }) => {
    const stands = standing.some((key) => key.startsWith(`${uri.slice(`gs://${box.destination}/`.length)}/`))
    if (isHeard === 1) return stands ? "held" : "unrecorded"
    return stands ? "unheard" : "intended"
  })
}
