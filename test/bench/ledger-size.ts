import { Database } from "bun:sqlite"
import { statSync } from "node:fs"
import { claimStudy, releaseClaim } from "../../lib/ledger/claims.ts"
import { claimSeries, releaseSeries } from "../../lib/ledger/cod/claims.ts"
import { filesToPack, recordPacked } from "../../lib/ledger/cod/instances.ts"
import { seriesToPack } from "../../lib/ledger/cod/series.ts"
import { recordCohort } from "../../lib/ledger/cohorts.ts"
import { foldAttempts, KEPT_DAYS } from "../../lib/ledger/fold-attempts.ts"
import { type Ledger, openLedger } from "../../lib/ledger/open.ts"
import { startRun } from "../../lib/ledger/runs.ts"
import { type DiscoveredStudy, recordStudy } from "../../lib/ledger/studies.ts"
import { dicomPath, METADATA_PATH, reportPath } from "../../lib/pipeline/layout.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import { bytes, count, table } from "../../lib/support/text.ts"
import { beginAll, settle, writeReceipt } from "../support/copying.ts"
import { testClock } from "../support/ledger.ts"
import { tempDir } from "../support/temp.ts"
import { benchOptions } from "./options.ts"

const HELP = `How large is the ledger of a million studies? So many are discovered, copied with their metadata, a report and two
images, their receipts written and their series packed, by the functions that do it every night; then their tries are folded.`

const MILLION = 1_000_000
const LIMIT_BYTES = 2_000_000_000
const STUDIES_PER_TRANSACTION = 500

/** As in the header of every image. */
const PLAIN = { transferSyntax: "1.2.840.10008.1.2.4.70", frames: 1 }

const options = benchOptions("bench:ledger-size", HELP, { studies: 50_000 })
if (options === undefined) process.exit()
const { studies, json } = options

using dir = tempDir("ledger-size")
const path = dir.file("ledger.sqlite")
const clock = testClock()
const before = await filledLedger()
const after = sizes()
const projected = Math.round((after.file / studies) * MILLION)
if (json) console.log(JSON.stringify({ studies, before, after, projected }, undefined, 2))
else console.log(report())
process.exitCode = projected < LIMIT_BYTES ? 0 : 1

/** @returns what it takes before the tries are folded */
async function filledLedger() {
  using ledger = openLedger(path, { clock })
  ledger.db.run("pragma synchronous = off")
  const runId = startRun(ledger, { script: "run", arguments: [], version: "0.1.0", owner: thisProcess() })
  const cohortId = recordCohort(ledger, { runId, rulesText: "", parameters: {}, ranking: [], funnel: [] })
  for (let done = 0; done < studies; done += STUDIES_PER_TRANSACTION) {
    ledger.write(() => {
      const these = Math.min(STUDIES_PER_TRANSACTION, studies - done)
      for (let n = 0; n < these; n += 1) copyOne(ledger, runId, cohortId)
    })
    clock.advance(1000)
  }
  const unfolded = sizes(ledger)
  clock.advance((KEPT_DAYS + 2) * 86_400_000)
  await foldAttempts(ledger)
  ledger.db.run("pragma wal_checkpoint(truncate)")
  return unfolded
}

function copyOne(ledger: Ledger, runId: number, cohortId: number) {
  const study = usualStudy()
  recordStudy(ledger, study, cohortId)
  const claim = claimStudy(ledger, runId, study.studyId)!
  const uids = { studyUid: study.dicomStudyUid!, seriesUid: `${study.dicomStudyUid}.${digits(6)}` }
  for (const attempt of beginAll(ledger, claim)) {
    const size = 20_000_000 - attempt.object.position
    const header = { ...uids, instanceUid: `${uids.seriesUid}.${digits(4)}`, ...PLAIN }
    settle(ledger, claim, attempt, {
      outcome: "copied",
      size,
      bytes: size,
      crc32c: "yZRlqg==",
      generation: "1767225600123456",
      sourceEtag: attempt.object.kind === "metadata" ? undefined : hex(32),
      ...(attempt.object.kind === "dicom" && { header }),
    })
  }
  writeReceipt(ledger, claim, hex(32), "1767225600123456")
  releaseClaim(ledger, claim, { seconds: 1.234 })
  packOne(ledger, runId, study.studyId)
}

function packOne(ledger: Ledger, runId: number, studyId: string) {
  for (const { seriesNo } of seriesToPack(ledger, studyId)) {
    const claim = claimSeries(ledger, runId, seriesNo)!
    const files = filesToPack(ledger, seriesNo, studyId).map(({ position, crc32c, size }) => ({
      studyId,
      position,
      crc32c,
      result: "new" as const,
      startByte: 1536 + position * size,
    }))
    const generations = { tarGeneration: "1767225600123457", metadataGeneration: "1767225600123458" }
    ledger.write((tally) => recordPacked(ledger, tally, claim, { ...generations, files }))
    releaseSeries(ledger, claim)
  }
}

function digits(count: number): string {
  return String(Math.random()).slice(2, 2 + count)
}

/** Ids are random, as a PACS makes them: pages fill as they do there. */
function usualStudy(): DiscoveredStudy {
  const seriesId = crypto.randomUUID()
  const image = (instanceNumber: number) => {
    const imageId = crypto.randomUUID()
    return {
      kind: "dicom" as const,
      path: dicomPath({ seriesId, imageId, instanceNumber }),
      sourceId: imageId,
      seriesId,
      expectedSize: 20_000_000,
      sourceHash: hex(16),
    }
  }
  const reportId = crypto.randomUUID()
  return {
    studyId: crypto.randomUUID(),
    organizationId: "7c0e4a52-6f0e-4b57-9f5a-0d3b1c2a4e11",
    dicomStudyUid: `1.2.840.113619.2.55.3.${String(Math.random()).slice(2, 14)}.783.1767225600.467`,
    modalities: "DX",
    doctorRank: 3,
    newestSignedAt: "2026-02-01T08:30:00.123Z",
    listsOrigin: false,
    sourceHash: hex(32),
    objects: [
      { kind: "metadata", path: METADATA_PATH, sourceHash: hex(16) },
      { kind: "report", path: reportPath(reportId), sourceId: reportId, sourceHash: hex(16) },
      image(1),
      image(2),
    ],
  }
}

function hex(digits: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(digits / 2))).toString("hex")
}

interface Sizes {
  /** Bytes of the file that hold something. */
  readonly used: number
  /** All of it: what was folded leaves room for what comes. */
  readonly file: number
  readonly tables: Readonly<Record<string, number>>
}

function sizes(ledger?: Ledger): Sizes {
  ledger?.db.run("pragma wal_checkpoint(truncate)")
  using db = new Database(path, { readonly: true })
  const tables = db
    .query<{ name: string; bytes: number }, []>(
      "select name, sum(pgsize) as bytes from dbstat group by name order by 2 desc",
    )
    .all()
  return {
    used: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    file: statSync(path).size,
    tables: Object.fromEntries(tables.map(({ name, bytes }) => [name, bytes])),
  }
}

function report(): string {
  const rows = Object.entries(before.tables)
    .filter(([, size]) => size > studies)
    .map(([name, size]) => [name, bytes(size), bytes(after.tables[name] ?? 0)])
  return [
    `${count(studies)} studies of 4 objects, each copied at the first try`,
    table(["", "before", "folded"], [...rows, ["all", bytes(before.used), bytes(after.used)]]),
    `a million studies: ${bytes(projected)} on disk, ${bytes(Math.round((after.used / studies) * MILLION))} of it used`,
  ].join("\n")
}
