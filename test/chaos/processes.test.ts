import { expect, test } from "bun:test"
import type { CopyReport } from "../../lib/pipeline/copy/copy.ts"
import { rows } from "../support/ledger.ts"
import type { Finished } from "../support/process.ts"
import { expectAllCopiedOnce } from "./end-state.ts"
import { type Site, startSite } from "./site.ts"

const IN_FLIGHT = 6

const settings = { COPY_CONCURRENCY: "3", OBJECTS_IN_FLIGHT: String(IN_FLIGHT) }

test("Two copies at once share the work and never do the same study", async () => {
  await using site = await startSite({ repeat: 2, settings })
  using held = holdBoth(site)
  await using first = site.start("scripts/copy.ts", "--json")
  await using second = site.start("scripts/copy.ts", "--json")
  await held.reached(IN_FLIGHT + 1)
  held.release()
  const ended = await Promise.all([first.finished, second.finished])

  expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0])
  expectAllCopiedOnce(site)
  const done = ended.map(studiesOf)
  expect(done[0]!.length).toBeGreaterThan(0)
  expect(done[1]!.length).toBeGreaterThan(0)
  expect(new Set(done.flat()).size).toBe(48)
  expect(done.flat()).toHaveLength(48)
  expect(site.cloud.log.count({ status: 412 })).toBe(0)
}, 60_000)

test("When one of two copies is killed, the other does what it left", async () => {
  await using site = await startSite({ repeat: 2, settings })
  using held = holdBoth(site)
  await using first = site.start("scripts/copy.ts")
  await using second = site.start("scripts/copy.ts")
  await held.reached(IN_FLIGHT + 1)
  first.kill("SIGKILL")
  await first.finished
  held.release()
  const { exitCode } = await second.finished

  expect(exitCode).toBe(0)
  expectAllCopiedOnce(site)
  using ledger = site.openLedger()
  const taken = rows<{ studies: number }>(
    ledger,
    `select count(distinct study_id) as studies from copy_attempts a
     where outcome = 'interrupted' and exists (select 1 from copy_attempts b
       where b.study_id = a.study_id and b.position = a.position and b.run_id <> a.run_id)`,
  )
  expect(taken[0]!.studies).toBeGreaterThan(0)
  expect(rows(ledger, `select outcome from runs where pid = ${first.pid}`)).toEqual([{ outcome: "crashed" }])
}, 60_000)

/** No file comes until more are asked for than one process may have in flight: then both are at work. */
function holdBoth({ cloud }: Site) {
  return cloud.fail({ operation: "s3.get", fault: { kind: "stall" }, times: 2 * IN_FLIGHT })
}

function studiesOf({ stdout }: Finished): string[] {
  return (JSON.parse(stdout) as CopyReport).studies.map((study) => study.study_id)
}
