import { demoHospital, type Hospital as Seeded } from "../../../lib/demo/seed.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { endRun, startRun } from "../../../lib/ledger/runs.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { type Hospital, openHospital } from "../../support/hospital.ts"
import { HOUR, testClock } from "../../support/ledger.ts"
import { script } from "../../support/scripts.ts"

/** A box after some weeks of work, of which the last runs are real; with one of everything that can be in trouble. */
export interface Scene {
  readonly hospital: Hospital
  /** A study with several packed series, and the first of these by its number in the ledger. */
  readonly studyId: string
  readonly seriesNo: number
  /** A study and a series that a person has to do something about. */
  readonly failedStudyId: string
  readonly hangingSeriesNo: number
  /** Names, e-mails and words of reports: nothing of them may be seen. */
  readonly personal: readonly string[]
}

const NIGHTS = 24

/** Opens a hospital, lets it have a past, and does everything once in earnest. */
export async function openScene(): Promise<Scene> {
  const hospital = await openHospital()
  const { env, cloud, destination } = hospital
  // As the demo's, so that the ranking has somebody on both sides of those who are chosen.
  Object.assign(env, { RANK_FROM: "2", RANK_TO: "5", INGEST_CONCURRENCY: "1" })
  const seeded = await seed(hospital)
  pastNights(hospital)
  await script(hospital, "discover")
  env.RANK_TO = "6"
  const [foreign, unreachable] = seeded.objects
    .map(({ key }) => key)
    .filter((key) => key.endsWith("/metadata.json"))
  cloud.put(destination, foreign!, "somebody else's")
  const outage = { kind: "status", status: 503 } as const
  cloud.fail({ operation: "s3.get", key: unreachable!, times: 100, fault: outage })
  await hospital.discoverAndCopy()
  // The first series' tar: what was sent and what stands there differ, and its lock is left to a person.
  cloud.fail({ operation: "gcs.insert", nth: 3, fault: { kind: "wrong-checksum" } })
  await script(hospital, "ingest")
  cloud.heal()
  return { hospital, ...told(hospital), personal: seeded.personal }
}

/** The demo's PACS and its bucket, with what is wrong in it. */
async function seed({ pacs, cloud, origin }: Hospital): Promise<Seeded> {
  const seeded = demoHospital({ bucket: origin, trouble: true })
  await pacs.clear()
  await pacs.insert(seeded.rows)
  for (const { key, contentType, bytes } of seeded.objects) cloud.put(origin, key, bytes(), { contentType })
  return seeded
}

/** Runs of so many nights before this one, some of which ended badly, and what they moved. */
function pastNights({ ledgerPath }: Hospital) {
  const today = new Date().setUTCHours(2, 0, 0, 0)
  const clock = testClock(new Date(today - NIGHTS * 24 * HOUR).toISOString())
  using ledger = openLedger(ledgerPath, { clock })
  const moved = ledger.db.query(
    "insert into hourly (hour, copied, adopted, failed, bytes, completed) values (?, ?, ?, ?, ?, ?)",
  )
  for (let night = 0; night < NIGHTS; night++) {
    const runId = startRun(ledger, { script: "run", arguments: [], version: "0.1.0", owner: thisProcess() })
    const [copied, minutes] = [900 + 37 * ((night * 7) % 11), 40 + (night % 5) * 9]
    const [adopted, failed] = [night === 0 ? 4000 : 0, night % 6 === 4 ? 3 : 0]
    moved.run(ledger.now().slice(0, 13), copied, adopted, failed, copied * 11_300_000, copied >> 2)
    clock.advance(minutes * 60_000)
    endRun(ledger, runId, failed > 0 ? "failed" : "done", { studies_complete: copied >> 2, failed })
    clock.advance(24 * HOUR - minutes * 60_000)
  }
}

function told({ rows }: Hospital) {
  const [largest] = rows<{ studyId: string; seriesNo: number }>(
    `select study_id as studyId, min(series_no) as seriesNo from cod_instances where result = 'new'
     group by study_id order by count(distinct series_no) desc, count(*) desc, study_id limit 1`,
  )
  const [failed] = rows<{ studyId: string }>(
    "select study_id as studyId from failures where error_class = 'DestinationConflict'",
  )
  const [hanging] = rows<{ seriesNo: number }>(
    "select series_no as seriesNo from cod_locks where hanging_since is not null",
  )
  return { ...largest!, failedStudyId: failed!.studyId, hangingSeriesNo: hanging!.seriesNo }
}
