import { describe, expect, test } from "bun:test"
import { type CopyOptions, copyStudies } from "../../../lib/pipeline/copy/copy.ts"
import { type LimitOptions, type Limits, limitsFrom } from "../../../lib/pipeline/copy/limits.ts"
import { loadConfig } from "../../../lib/support/config.ts"
import type { Stop } from "../../../lib/support/stop.ts"
import type { Chest } from "../../support/chest.ts"
import { type Hospital, openHospital } from "../../support/hospital.ts"
import { documentOf, script } from "../../support/scripts.ts"
import { type WaitingClock, waitingClock } from "../../support/waiting-clock.ts"

const NEVER: Stop = { requested: new AbortController().signal, forced: new AbortController().signal }

const configOf = (env: Record<string, string> = {}) => loadConfig(["copy", "schedule"], env)

interface Limited extends Disposable {
  readonly limits: Limits
  readonly clock: WaitingClock
}

function limited(options: LimitOptions, start: string, timezone = "UTC"): Limited {
  const clock = waitingClock(start)
  const limits = limitsFrom(options, configOf({ SCHEDULE_TZ: timezone }), clock)
  return { limits, clock, [Symbol.dispose]: () => limits[Symbol.dispose]() }
}

describe("--until", () => {
  const at = { hour: 7, minute: 0 }

  test.each([
    ["today, while it is to come", "UTC", "2026-03-02T06:59:00Z", "2026-03-02T07:00:00Z"],
    ["tomorrow, once it has passed", "UTC", "2026-03-02T07:00:00Z", "2026-03-03T07:00:00Z"],
    ["by the clock of the time zone", "America/New_York", "2026-03-02T02:00:00Z", "2026-03-02T12:00:00Z"],
    [
      "also in the night in which that clock is moved",
      "Europe/Madrid",
      "2026-03-28T23:00:00Z",
      "2026-03-29T05:00:00Z",
    ],
  ])("is the next such time: %s", async (_, timezone, start, end) => {
    using one = limited({ until: at }, start, timezone)
    await one.clock.moveTo(new Date(Date.parse(end) - 1000).toISOString())
    expect(one.limits.endsAt).toEqual(new Date(end))
    expect(one.limits.reached.aborted).toBe(false)
    await one.clock.moveTo(end)
    expect(one.limits.reached.aborted).toBe(true)
    expect(one.limits.ended).toBe("until")
  })
})

describe("limits", () => {
  test("--max-duration counts from the start", async () => {
    using one = limited({ maxDuration: 7_200_000 }, "2026-03-02T02:00:00Z")
    await one.clock.moveTo("2026-03-02T03:59:59Z")
    expect(one.limits.ended).toBeUndefined()
    await one.clock.moveTo("2026-03-02T04:00:00Z")
    expect(one.limits.ended).toBe("max_duration")
  })

  test("--max-bytes counts what was sent", () => {
    using one = limited({ maxBytes: 100 }, "2026-03-02T02:00:00Z")
    one.limits.sent(99)
    expect(one.limits.reached.aborted).toBe(false)
    one.limits.sent(1)
    expect(one.limits.reached.aborted).toBe(true)
    expect(one.limits.ended).toBe("max_bytes")
  })

  test("the first one that is reached is the one that is told", async () => {
    using one = limited({ maxBytes: 100, maxDuration: 60_000 }, "2026-03-02T02:00:00Z")
    await one.clock.moveTo("2026-03-02T02:01:00Z")
    one.limits.sent(100)
    expect(one.limits.ended).toBe("max_duration")
  })

  test("that are over wait for nothing, and are never reached", async () => {
    const one = limited({ maxDuration: 60_000, until: { hour: 3, minute: 0 } }, "2026-03-02T02:00:00Z")
    expect(one.limits.endsAt).toEqual(new Date("2026-03-02T02:01:00Z"))
    expect(one.clock.waiting).toBe(2)
    one[Symbol.dispose]()
    await one.clock.moveTo("2026-03-02T04:00:00Z")
    expect(one.clock.waiting).toBe(0)
    expect(one.limits.reached.aborted).toBe(false)
  })

  test("--bwlimit wins over COPY_BYTES_PER_SECOND; without either there is none", () => {
    const rateOf = (options: LimitOptions, env: Record<string, string>) => {
      using limits = limitsFrom(options, configOf(env))
      return limits.bytesPerSecond
    }
    expect(rateOf({ bwlimit: 5 }, { COPY_BYTES_PER_SECOND: "20M" })).toBe(5)
    expect(rateOf({}, { COPY_BYTES_PER_SECOND: "20M" })).toBe(20e6)
    expect(rateOf({}, {})).toBeUndefined()
  })
})

/** Studies of one image of 400 bytes each, discovered. */
async function hospitalWith(studies: number): Promise<{ hospital: Hospital; chests: Chest[] }> {
  const hospital = await openHospital()
  const chests: Chest[] = []
  for (let n = 0; n < studies; n++) chests.push(await hospital.admit({ images: [{ file_size: 400 }] }))
  await hospital.discover()
  return { hospital, chests }
}

function copyWithin(hospital: Hospital, limits: Limits, options: Partial<CopyOptions> = {}) {
  return hospital.withDeps((deps) => copyStudies({ ...deps, limits }, { concurrency: 1, ...options }, NEVER))
}

describe("a copy that reaches a limit", () => {
  test("finishes the study in flight, begins no other and tells what it left", async () => {
    const { hospital } = await hospitalWith(4)
    using _ = hospital
    using one = limited({ maxBytes: 1 }, "2026-03-02T02:00:00Z")
    const { studies, totals } = await copyWithin(hospital, one.limits)
    expect(studies).toMatchObject([{ success: true, dicom_files_uploaded: 1, reports_uploaded: 1 }])
    expect(totals).toMatchObject({ studies: 1, succeeded: 1, failed: 0 })
    expect(totals).toMatchObject({
      ended_by: "max_bytes",
      left_studies: 3,
      left_objects: 9,
      left_bytes: 1200,
    })
    expect(hospital.rows("select * from claims")).toEqual([])
    expect((await hospital.copy()).totals).toMatchObject({ studies: 3, succeeded: 3 })
  })

  test("by time does so while an object is under way", async () => {
    const { hospital, chests } = await hospitalWith(3)
    using _ = hospital
    using one = limited({ maxDuration: 60_000 }, "2026-03-02T02:00:00Z")
    const stalls = chests.map(({ imageKeys }) =>
      hospital.cloud.fail({ operation: "s3.get", key: imageKeys[0]!, fault: { kind: "stall" } }),
    )
    const copying = copyWithin(hospital, one.limits)
    await Promise.race(stalls.map((stall) => stall.reached()))
    expect(hospital.logged.join()).toContain("no study is begun after 2026-03-02T02:01:00.000Z")
    await one.clock.moveTo("2026-03-02T02:01:00Z")
    for (const stall of stalls) stall.release()
    const { totals } = await copying
    expect(totals).toMatchObject({ studies: 1, succeeded: 1, ended_by: "max_duration", left_studies: 2 })
  })

  test("has left of the studies that were named only those", async () => {
    const { hospital, chests } = await hospitalWith(4)
    using _ = hospital
    using one = limited({ maxBytes: 1 }, "2026-03-02T02:00:00Z")
    const studyIds = chests.slice(0, 2).map(({ studyId }) => studyId)
    const { totals } = await copyWithin(hospital, one.limits, { studyIds })
    expect(totals).toMatchObject({ studies: 1, ended_by: "max_bytes", left_studies: 1, left_objects: 3 })
  })

  test("with its last byte was not ended by it", async () => {
    const { hospital } = await hospitalWith(1)
    using _ = hospital
    using one = limited({ maxBytes: 1 }, "2026-03-02T02:00:00Z")
    const { totals } = await copyWithin(hospital, one.limits)
    expect(totals).toMatchObject({ studies: 1, succeeded: 1 })
    expect(totals).not.toHaveProperty("ended_by")
  })
})

describe("scripts with limits", () => {
  test("end well, say which limit ended them and what is left, and record it", async () => {
    const { hospital } = await hospitalWith(3)
    using _ = hospital
    hospital.env.COPY_CONCURRENCY = "1"
    const copied = await script(hospital, "copy", "--max-bytes", "1")
    expect(copied.exitCode).toBe(0)
    expect(copied.stdout).toContain(
      "Ended by --max-bytes; left for the next copy: 2 studies, 6 objects, 800 B\n",
    )
    const ran = await script(hospital, "run", "--json", "--max-bytes", "1", "--bwlimit", "20M")
    expect(ran.exitCode).toBe(0)
    expect(documentOf(ran).totals).toMatchObject({ studies: 1, ended_by: "max_bytes", left_studies: 1 })
    expect(
      hospital.rows(
        `select outcome, counts ->> 'ended_by' as ended_by, counts ->> 'left_studies' as left_studies,
           counts ->> 'left_bytes' as left_bytes from runs where script in ('copy', 'run') order by run_id`,
      ),
    ).toEqual([
      { outcome: "done", ended_by: "max_bytes", left_studies: 2, left_bytes: 800 },
      { outcome: "done", ended_by: "max_bytes", left_studies: 1, left_bytes: 400 },
    ])
  })

  test("hold all bodies of the origin to COPY_BYTES_PER_SECOND, in pieces of a 32nd of it", async () => {
    using hospital = await openHospital()
    const { metadataKey } = await hospital.admit()
    hospital.env.COPY_BYTES_PER_SECOND = "64"
    const pieces = await hospital.withDeps(async ({ origin }) => {
      const { stream } = await origin.read(metadataKey, { range: { start: 0, end: 10 } })
      return Array.fromAsync(stream)
    })
    expect(pieces.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2])
  })
})
