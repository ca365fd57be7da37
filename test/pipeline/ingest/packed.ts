import { join } from "node:path"
import { pathToFileURL } from "node:url"
import {
  CODObject,
  Instance,
  ingest,
  seriesUri,
  uidHashFingerprint,
  uidHashFunc,
  withCODObject,
} from "../../../lib/cod/index.ts"
import { startCloud } from "../../../lib/demo/cloud/server.ts"
import { releaseClaim } from "../../../lib/ledger/claims.ts"
import { claimSeries, releaseSeries } from "../../../lib/ledger/cod/claims.ts"
import { pinDatastore } from "../../../lib/ledger/cod/datastore.ts"
import { filesToPack, type PackedFile, recordPacked } from "../../../lib/ledger/cod/instances.ts"
import { seriesByNo } from "../../../lib/ledger/cod/series.ts"
import { groupCommit } from "../../../lib/ledger/group-commit.ts"
import type { Ledger } from "../../../lib/ledger/open.ts"
import { recordReceipt } from "../../../lib/ledger/receipts.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import type { IngestDeps } from "../../../lib/pipeline/ingest/deps.ts"
import { keyOf, placeOf } from "../../../lib/pipeline/ingest/series-place.ts"
import { seriesPlaces } from "../../../lib/pipeline/ingest/series-places.ts"
import { objectKey, receiptKey } from "../../../lib/pipeline/layout.ts"
import { planReceipt, writeReceipt } from "../../../lib/pipeline/receipts/receipt.ts"
import { openFileStore } from "../../../lib/storage/file.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { crc32cBase64 } from "../../../lib/support/checksums.ts"
import { createLogger } from "../../../lib/support/log.ts"
import { semaphore, turnsBy } from "../../../lib/support/pool.ts"
import { redactor } from "../../../lib/support/redact.ts"
import type { Stop } from "../../../lib/support/stop.ts"
import { dicom, type FileParts, SERIES, STUDY, uid } from "../../cod/writing/files.ts"
import { bytesAt } from "../../contract/bodies.ts"
import { beginAll, settle } from "../../support/copying.ts"
import {
  chestStudy,
  image,
  metadata,
  mustClaim,
  newRun,
  rows,
  type TestClock,
  testLedger,
} from "../../support/ledger.ts"
import { tempDir } from "../../support/temp.ts"

export const NEVER: Stop = { requested: new AbortController().signal, forced: new AbortController().signal }

export const TRANSFER_SYNTAX = "1.2.840.10008.1.2.1"

/** Where copies and series are, by the kind of store: the datastore is a store of its own below the destination. */
export const PLACES = {
  async "a folder"() {
    const dir = tempDir("packed")
    const destination = openFileStore(dir.file("destination"))
    const path = join(dir.file("destination"), "cod", "dicomweb")
    const datastore = openFileStore(path)
    const close = async () => {
      datastore[Symbol.dispose]()
      destination[Symbol.dispose]()
      dir[Symbol.dispose]()
    }
    return { destination, datastore, close, uri: pathToFileURL(path).href }
  },
  async "a bucket"() {
    const cloud = await startCloud()
    cloud.createBucket("lake")
    const destination = openGcs({ bucket: "lake", emulatorUrl: cloud.url })
    const datastore = openGcs({ bucket: "lake", prefix: "cod/dicomweb", emulatorUrl: cloud.url })
    const close = async () => {
      datastore[Symbol.dispose]()
      destination[Symbol.dispose]()
      await cloud.stop()
    }
    return { destination, datastore, close, uri: datastore.uri }
  },
} as const

export interface Packed extends AsyncDisposable {
  readonly ledger: Ledger
  readonly clock: TestClock
  readonly deps: IngestDeps
  readonly destination: ObjectStore
  readonly datastore: ObjectStore
  /** Copies a study of these files, one after the other, to its receipt; its series wait. */
  copied(studyId: string, files: readonly FileParts[]): Promise<void>
  /** Packs whatever waits, and remembers it. */
  pack(): Promise<void>
  /** Appends a file as another box would. */
  append(parts: FileParts): Promise<void>
  /** Takes an instance out of its series, as another box would. */
  remove(instance: string, parts?: FileParts): Promise<void>
  receipt(studyId: string): Promise<ReceiptText>
  rows<Row>(sql: string): Row[]
  keyOf(studyId: string, n: number): string
}

interface ReceiptText {
  readonly receipt_version: number
  readonly series: { study_uid: string; series_uid: string; uri: string | null }[]
  readonly objects: Record<string, unknown>[]
}

/** A ledger, the raw copies, and a datastore of series that this ledger packed. */
export async function packed(
  kind: keyof typeof PLACES,
  { uidHashKey }: { readonly uidHashKey?: string } = {},
): Promise<Packed> {
  const { destination, datastore, close } = await PLACES[kind]()
  const bench = testLedger()
  const { ledger, runId, cohortId } = bench
  const deps: IngestDeps = {
    ledger,
    commits: groupCommit(ledger),
    runId,
    destination,
    datastore,
    uidHashFunc: uidHashKey === undefined ? undefined : uidHashFunc(uidHashKey),
    lockNames: [".cod.lock", ".gradient.lock"],
    metadataVersion: "2.0",
    packing: semaphore(2),
    thumbnails: undefined,
    inTurn: turnsBy<number>(),
    kept: undefined,
    log: createLogger({ level: "ERROR", redact: redactor([]), write: () => undefined }),
  }
  pinDatastore(ledger, {
    uri: datastore.uri,
    uidHash: uidHashKey === undefined ? null : uidHashFingerprint(uidHashKey),
  })
  const files = (studyId: string, n: number) =>
    objectKey({ organizationId: "org", studyId }, image(`i${n}`).path)
  const seriesOf = ({ study = STUDY, series = SERIES }: FileParts = {}) =>
    placeOf(deps, { studyUid: study, seriesUid: series })

  return {
    ledger,
    clock: bench.clock,
    deps,
    destination,
    datastore,
    keyOf: files,
    rows: (sql) => rows(ledger, sql),
    async copied(studyId, parts) {
      const objects = [metadata(), ...parts.map((_, n) => image(`i${n + 1}`))]
      recordStudy(ledger, chestStudy(studyId, { objects, sourceHash: crypto.randomUUID() }), cohortId)
      const claim = mustClaim(ledger, newRun(ledger), studyId)
      for (const attempt of beginAll(ledger, claim)) {
        const { kind, path, position } = attempt.object
        const part = parts[position - 1] ?? {}
        const body = kind === "dicom" ? dicom(part) : Buffer.from("{}")
        const key = objectKey(claim, path)
        const written = await destination.write(key, body, {
          ifGeneration: (await destination.head(key))?.generation ?? "absent",
          contentType: "application/dicom",
        })
        const header = {
          studyUid: part.study ?? STUDY,
          seriesUid: part.series ?? SERIES,
          instanceUid: part.instance ?? uid(1),
          transferSyntax: TRANSFER_SYNTAX,
          frames: 1,
        }
        settle(ledger, claim, attempt, {
          outcome: "copied",
          size: body.length,
          crc32c: crc32cBase64(body),
          generation: written.generation,
          sourceEtag: `etag-${position}`,
          bytes: body.length,
          ...(kind === "dicom" && { header }),
        })
      }
      const means = { ledger, destination, series: seriesPlaces(deps) }
      const receipt = ledger.write(() => planReceipt(means, claim, false))!
      const generation = await writeReceipt(means, claim, receipt)
      recordReceipt(ledger, claim, { hash: receipt.hash, generation })
      releaseClaim(ledger, claim, { seconds: 0 })
    },
    async pack() {
      const waiting = rows<{ seriesNo: number; studyId: string }>(
        ledger,
        `select distinct series_no as seriesNo, study_id as studyId from objects
         where to_pack = 1 and series_no is not null order by 1, 2`,
      )
      for (const { seriesNo, studyId } of waiting) await packOne(deps, seriesNo, studyId)
    },
    async append(parts) {
      await using instance = new Instance({
        dicomUri: await fileOf(bench.dir.file("appended.dcm"), dicom(parts)),
      })
      await ingest([instance], {
        ...seriesOf(parts),
        store: datastore,
        hashedUids: deps.uidHashFunc !== undefined,
        uidHashFunc: deps.uidHashFunc,
      })
    },
    async remove(instance, parts) {
      await withCODObject({ ...seriesOf(parts), store: datastore, lock: true, syncOnExit: true }, (cod) =>
        cod.remove([keyOf(deps, instance)]),
      )
    },
    async receipt(studyId) {
      const key = receiptKey({ organizationId: "org", studyId })
      return JSON.parse(Buffer.from(await bytesAt(destination, key)).toString()) as ReceiptText
    },
    async [Symbol.asyncDispose]() {
      bench[Symbol.dispose]()
      await close()
    },
  }
}

async function fileOf(path: string, bytes: Uint8Array): Promise<string> {
  await Bun.write(path, bytes)
  return path
}

/** As the step packs, without its claims, locks of crashes, and reports. */
async function packOne(deps: IngestDeps, seriesNo: number, studyId: string) {
  const { ledger, runId, destination, datastore, uidHashFunc } = deps
  const series = seriesByNo(ledger, seriesNo)!
  const files = new Map(
    filesToPack(ledger, seriesNo, studyId).map((file) => {
      const dicomUri = `${destination.uri}/${objectKey(file, file.path)}`
      const { size, crc32c, instanceUid } = file
      const hints = { size, crc32c, instanceUid, studyUid: series.studyUid, seriesUid: series.seriesUid }
      return [
        new Instance({ dicomUri, store: destination, dependencies: [dicomUri], hints, uidHashFunc }),
        file,
      ]
    }),
  )
  const place = placeOf(deps, series)
  const options = { ...place, store: datastore, hashedUids: uidHashFunc !== undefined, uidHashFunc }
  const result = await ingest([...files.keys()], options)
  for (const { error } of result.errors) throw error
  await using cod = await CODObject.fromUri(seriesUri(place), { store: datastore, lock: false })
  const { instances } = await cod.getMetadata()
  const ends = (list: readonly Instance[], end: PackedFile["result"]) =>
    list.map((instance): PackedFile => {
      const { studyId, position, crc32c, instanceUid } = files.get(instance)!
      const entry = instances.get(keyOf(deps, instanceUid))
      const failure = {
        verdict: "give-up",
        errorClass: "InstanceConflict",
        errorMessage: "other bytes",
      } as const
      return {
        studyId,
        position,
        crc32c,
        result: end,
        startByte: entry?.kind === "instance" ? entry.startByte : undefined,
        ...(end === "conflict" && { failure }),
      }
    })
  const claim = claimSeries(ledger, runId, seriesNo)!
  const stored = {
    tarGeneration: (await datastore.head(cod.tarUri.slice(datastore.uri.length + 1)))!.generation,
    metadataGeneration: (await datastore.head(cod.metadataUri.slice(datastore.uri.length + 1)))!.generation,
  }
  ledger.write((tally) =>
    recordPacked(ledger, tally, claim, {
      ...stored,
      files: [...ends(result.new, "new"), ...ends(result.same, "same"), ...ends(result.conflict, "conflict")],
    }),
  )
  releaseSeries(ledger, claim)
}
