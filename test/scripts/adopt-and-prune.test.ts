import { expect, test } from "bun:test"
import { originObjects } from "../support/chest.ts"
import { effectsAt, type Hospital, openHospital, storedAt } from "../support/hospital.ts"
import { startScript } from "../support/process.ts"
import { documentOf, pathOf, script } from "../support/scripts.ts"

async function filled(count: number): Promise<Hospital> {
  const hospital = await openHospital()
  const { cloud, destination } = hospital
  for (let n = 0; n < count; n++) {
    const study = await hospital.admit()
    for (const [key, bytes] of originObjects(study)) cloud.put(destination, key, bytes)
  }
  await hospital.discover()
  cloud.log.clear()
  return hospital
}

const adopted = (hospital: Hospital) =>
  hospital.rows<{ state: string; objects: number }>(
    "select state, count(*) as objects from objects group by 1",
  )

/** Tries without an end, and claims that nobody gave back. */
const leftOpen = (hospital: Hospital) =>
  hospital.rows(
    "select study_id from copy_attempts where ended_at is null union all select study_id from claims",
  )

test("adopt killed in the middle leaves nothing open, and goes on when it is started again", async () => {
  using hospital = await filled(5)
  const listing = hospital.cloud.fail({ operation: "s3.list", nth: 4, times: 99, fault: { kind: "stall" } })
  hospital.env.OBJECTS_IN_FLIGHT = "1"
  {
    await using adopting = startScript([pathOf("adopt")], { env: hospital.env })
    await listing.reached()
    adopting.kill("SIGKILL")
    await adopting.finished
  }
  listing.release()
  expect(leftOpen(hospital)).toEqual([])
  const again = await script(hospital, "adopt", "--json")
  expect({ code: again.exitCode, stderr: again.stderr }).toEqual({ code: 0, stderr: "" })
  expect(adopted(hospital)).toEqual([{ state: "copied", objects: 15 }])
  const { objects } = documentOf(again).adopted
  expect(objects).toBeGreaterThan(0)
  expect(objects).toBeLessThan(15)
})

test("adopt stopped by SIGTERM says so with 143, and its run is recorded as stopped", async () => {
  using hospital = await filled(8)
  const listing = hospital.cloud.fail({ operation: "s3.list", nth: 3, fault: { kind: "stall" } })
  hospital.env.OBJECTS_IN_FLIGHT = "1"
  await using adopting = startScript([pathOf("adopt")], { env: hospital.env })
  await listing.reached()
  adopting.kill("SIGTERM")
  listing.release()
  const { exitCode, stdout } = await adopting.finished
  expect(exitCode).toBe(143)
  expect(stdout).toContain("stopped before the end")
  expect(hospital.rows("select outcome from runs where script = 'adopt'")).toEqual([{ outcome: "stopped" }])
  expect(leftOpen(hospital)).toEqual([])
})

test("a prune killed between the deletion and its record is noted by the next one", async () => {
  using hospital = await openHospital()
  const { cloud, destination } = hospital
  const study = await hospital.admit({ images: [{ instance_number: 1 }, { instance_number: 2 }] })
  const [, goes] = study.imageKeys as [string, string]
  await hospital.discoverAndCopy()
  await hospital.pacs.sql`delete from pacs_images where instance_number = 2`
  await hospital.discoverAndCopy()
  const deletion = cloud.fail({ operation: "gcs.delete", fault: { kind: "stall" } })
  {
    await using pruning = startScript([pathOf("verify"), "--prune"], { env: hospital.env })
    await deletion.reached()
    pruning.kill("SIGKILL")
    await pruning.finished
  }
  cloud.delete(destination, goes)
  deletion.release()
  const again = await script(hospital, "verify", "--prune", "--json")
  expect(again.exitCode).toBe(0)
  expect(documentOf(again).prune).toEqual({ deleted: [], bytes: 0, spared: [] })
  expect(hospital.rows("select generation from objects where state = 'retired'")).toEqual([
    { generation: null },
  ])
  expect(leftOpen(hospital)).toEqual([])
  expect(storedAt(hospital, goes)).toBeUndefined()
  expect(effectsAt(hospital, study.imageKeys[0]!)).toEqual(["created"])
})

test("verify --source names the settings that it lacks: exit code 2, and without it they are not asked for", async () => {
  using hospital = await openHospital()
  await hospital.admit()
  await hospital.discoverAndCopy()
  const { ORIGIN_URI, ...env } = hospital.env
  const less = { ...hospital, env: env as Record<string, string> }
  expect((await script(less, "verify")).exitCode).toBe(0)
  const { exitCode, stderr } = await script(less, "verify", "--source")
  expect(exitCode).toBe(2)
  expect(stderr).toContain("ORIGIN_URI")
  expect(ORIGIN_URI).toContain("s3://")
})
