import { expect, test } from "bun:test"
import { openHospital } from "../support/hospital.ts"

interface Line {
  readonly level: string
  readonly msg: string
  readonly run?: number
  readonly study?: string
  readonly object?: string
  readonly verb?: string
  readonly key?: string
  readonly ms?: number
}

async function copied() {
  const hospital = await openHospital()
  const study = await hospital.admit()
  await hospital.discoverAndCopy()
  const lines: Line[] = hospital.logged.map((line) => JSON.parse(line))
  return { hospital, study, lines }
}

test("at INFO a copy is one line a study, with run and study", async () => {
  const { hospital, study, lines } = await copied()
  using _ = hospital
  const [{ run_id }] = hospital.rows<{ run_id: number }>("select run_id from runs") as [{ run_id: number }]
  const told = lines.filter(({ level, study: of }) => level !== "DEBUG" && of !== undefined)
  expect(told).toMatchObject([{ level: "INFO", msg: "copied", run: run_id, study: study.studyId }])
})

test("at DEBUG every call of a store is a line with its run, and with study and object where it is about one", async () => {
  const { hospital, study, lines } = await copied()
  using _ = hospital
  const calls = lines.filter(({ msg }) => msg === "asked")
  for (const call of calls) expect(call).toMatchObject({ run: expect.any(Number), ms: expect.any(Number) })
  const written = calls.filter(({ verb }) => verb === "write")
  expect(written.length).toBeGreaterThan(3)
  for (const { key, study: of, object } of written) {
    expect(of).toBe(study.studyId)
    if (key?.startsWith("_receipts/")) expect(object).toBeUndefined()
    else expect(key).toEndWith(`${study.studyId}/${object}`)
  }
})

test("no line has a secret, a signature or a name of an upload in it", async () => {
  const { hospital } = await copied()
  using _ = hospital
  const text = hospital.logged.join("")
  expect(text).not.toMatch(/X-Amz|Signature|upload_id|secret-of-the-key|authorization/i)
})
