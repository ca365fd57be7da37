import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { uidHashFingerprint, uidHashFunc } from "../../lib/cod/index.ts"
import { claimSeries } from "../../lib/ledger/cod/claims.ts"
import { pinDatastore } from "../../lib/ledger/cod/datastore.ts"
import { recordHeader } from "../../lib/ledger/cod/headers.ts"
import { type InstanceResult, recordPacked } from "../../lib/ledger/cod/instances.ts"
import { moveStanding, recordStudy } from "../../lib/ledger/studies.ts"
import { writeManifest } from "../../lib/operate/manifest.ts"
import { writeFileWhole } from "../../lib/operate/manifest-output.ts"
import { manifestFormat } from "../../lib/operate/manifest-rows.ts"
import { Aborted, UsageError } from "../../lib/support/errors.ts"
import { complete } from "../support/copying.ts"
import {
  chestStudy,
  HOUR,
  image,
  metadata,
  newCohort,
  report,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"
import { tempDir } from "../support/temp.ts"

const NOT_PACKED = { cod_result: null, cod_uri: null, cod_start_byte: null, cod_size: null }

const NEVER = { requested: new AbortController().signal, forced: new AbortController().signal }

/** A ledger of these studies, all complete. */
function completeLedger(...ids: string[]): TestLedger {
  const bench = testLedger()
  for (const id of ids) {
    recordStudy(bench.ledger, chestStudy(id), bench.cohortId)
    complete(bench, id)
  }
  return bench
}

async function manifest(
  { ledger }: TestLedger,
  options: { cohort?: number; format?: string; uidHashKey?: string } = {},
) {
  const pieces: Uint8Array[] = []
  const format = options.format === undefined ? undefined : manifestFormat(options.format)
  const output = { write: async (bytes: Uint8Array) => void pieces.push(bytes) }
  const told = await writeManifest(ledger, output, { ...options, format }, NEVER)
  const text = Buffer.concat(pieces).toString()
  return { ...told, text, pieces, rows: text.split("\n").filter((line) => line !== "") }
}

const studiesOf = ({ rows }: { rows: readonly string[] }) => [
  ...new Set(rows.map((row) => JSON.parse(row).study_id)),
]

describe("The manifest", () => {
  test("has a row for every image of a complete study, with the reports of the study", async () => {
    using bench = completeLedger("a")
    const { rows, studies } = await manifest(bench)
    expect(studies).toBe(1)
    expect(rows.map((row) => JSON.parse(row))).toEqual(
      ["i1", "i2"].map((id) => ({
        study_id: "a",
        organization_id: "org",
        image_path: `org/a/dicom_files/s/${id}.dcm`,
        size: 1000,
        crc32c: "AAAAAA==",
        source_etag: "etag-1",
        copied_at: "2026-03-01T02:00:00.000Z",
        doctor_rank: 2,
        cohort: bench.cohortId,
        standing: "eligible",
        reports: [{ path: "org/a/reports/r1.txt", size: 1000, crc32c: "AAAAAA==" }],
        study_instance_uid: null,
        series_instance_uid: null,
        sop_instance_uid: null,
        transfer_syntax: null,
        frames: null,
        ...NOT_PACKED,
        copy_deleted_at: null,
      })),
    )
  })

  test("leaves out a study that lacks anything, and an object that the database lists no longer", async () => {
    using bench = completeLedger("a")
    recordStudy(bench.ledger, chestStudy("b"), bench.cohortId)
    complete(bench, "b", { failing: [3] })
    const fewer = chestStudy("a", { sourceHash: "v2", objects: [metadata(), report("r1"), image("i2")] })
    recordStudy(bench.ledger, fewer, bench.cohortId)
    expect((await manifest(bench)).rows).toEqual([])
    complete(bench, "a")
    const { rows } = await manifest(bench)
    expect(rows.map((row) => JSON.parse(row).image_path)).toEqual(["org/a/dicom_files/s/i2.dcm"])
  })

  test("is in the order of organization, study and position, whenever a study was found", async () => {
    using bench = completeLedger("c", "a")
    recordStudy(bench.ledger, chestStudy("b", { organizationId: "another" }), bench.cohortId)
    complete(bench, "b")
    expect(studiesOf(await manifest(bench))).toEqual(["b", "a", "c"])
  })

  test("tells of a report that came after the images in the row of every image", async () => {
    using bench = completeLedger("a")
    const objects = [metadata(), report("r1"), image("i1"), image("i2"), report("r2")]
    recordStudy(bench.ledger, chestStudy("a", { sourceHash: "v2", objects }), bench.cohortId)
    complete(bench, "a")
    const { rows } = await manifest(bench)
    expect(rows.map((row) => JSON.parse(row).reports.length)).toEqual([2, 2])
  })

  test("of the same ledger is the same to the byte, and its hash is that of the bytes", async () => {
    using bench = completeLedger("b", "a")
    const [first, second] = [await manifest(bench), await manifest({ ...bench, ledger: bench.reopen() })]
    expect(second.text).toBe(first.text)
    expect(first.sha256).toBe(new Bun.CryptoHasher("sha256").update(first.text).digest("hex"))
    expect(first.bytes).toBe(Buffer.byteLength(first.text))
  })

  test("of a cohort has the studies that were eligible when it was decided, whatever came later", async () => {
    using bench = completeLedger("stays", "leaves")
    bench.clock.advance(HOUR)
    const second = newCohort(bench.ledger, bench.runId)
    bench.ledger.write((tally) =>
      moveStanding(bench.ledger, tally, "leaves", {
        standing: "withdrawn",
        reason: "chest",
        cohortId: second,
      }),
    )
    recordStudy(bench.ledger, chestStudy("comes"), second)
    complete(bench, "comes")
    expect(studiesOf(await manifest(bench, { cohort: bench.cohortId }))).toEqual(["leaves", "stays"])
    expect(studiesOf(await manifest(bench, { cohort: second }))).toEqual(["comes", "stays"])
    const all = await manifest(bench)
    expect(studiesOf(all)).toEqual(["comes", "leaves", "stays"])
    expect(all.rows.map((row) => JSON.parse(row).standing)).toContain("withdrawn")
  })

  test("of a cohort that the ledger does not know is a usage error", async () => {
    using bench = testLedger()
    await expect(manifest(bench, { cohort: 99 })).rejects.toThrow(UsageError)
  })

  test("as CSV has a header, one line a row, and what needs quotes in quotes", async () => {
    using bench = completeLedger("a")
    const odd = image('i,"3"')
    recordStudy(
      bench.ledger,
      chestStudy("a", { sourceHash: "v2", doctorRank: 3, objects: [metadata(), odd] }),
      bench.cohortId,
    )
    complete(bench, "a")
    const { rows } = await manifest(bench, { format: "csv" })
    expect(rows).toEqual([
      "study_id,organization_id,image_path,size,crc32c,source_etag,copied_at,doctor_rank,cohort,standing,reports," +
        "study_instance_uid,series_instance_uid,sop_instance_uid,transfer_syntax,frames," +
        "cod_result,cod_uri,cod_start_byte,cod_size,copy_deleted_at",
      `a,org,"org/a/dicom_files/s/i,""3"".dcm",1000,AAAAAA==,etag-1,2026-03-01T02:00:00.000Z,3,${bench.cohortId},eligible,[],,,,,,,,,,`,
    ])
  })

  test("as CSV of nothing still has its header; as documents it is empty", async () => {
    using bench = testLedger()
    expect((await manifest(bench, { format: "csv" })).rows).toHaveLength(1)
    expect((await manifest(bench)).text).toBe("")
  })

  test("is handed on in pieces, none of which waits for the whole", async () => {
    using bench = testLedger()
    const images = Array.from({ length: 2000 }, (_, n) => image(`i${n}`))
    recordStudy(bench.ledger, chestStudy("a", { objects: [metadata(), ...images] }), bench.cohortId)
    // One transaction: thousands would be as many flushes of the disk.
    bench.ledger.write(() => complete(bench, "a"))
    const { pieces, rows } = await manifest(bench)
    expect(rows).toHaveLength(2000)
    expect(pieces.length).toBeGreaterThan(1)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(300_000)
  })

  test("stops between two pieces when it is asked to", async () => {
    using bench = completeLedger("a")
    const stop = new AbortController()
    stop.abort(new Aborted())
    const writing = writeManifest(
      bench.ledger,
      { write: async () => {} },
      {},
      { requested: stop.signal, forced: stop.signal },
    )
    await expect(writing).rejects.toThrow(Aborted)
  })
})

describe("The manifest of packed images", () => {
  const UIDS = { studyUid: "1.2", seriesUid: "1.2.3" }
  const header = (instanceUid: string) => ({
    ...UIDS,
    instanceUid,
    transferSyntax: "1.2.840.10008.1.2.1",
    frames: 2,
  })
  const URI = "gs://lake/cod/dicomweb"

  /** The first image is packed as this, the second waits. */
  function packed(result: InstanceResult, uidHashKey?: string): TestLedger {
    const bench = completeLedger("a")
    const { ledger, runId } = bench
    ledger.write((tally) => {
      for (const position of [2, 3])
        recordHeader(ledger, tally, { studyId: "a", position }, header(`1.2.3.${position}`))
    })
    pinDatastore(ledger, {
      uri: URI,
      uidHash: uidHashKey === undefined ? null : uidHashFingerprint(uidHashKey),
    })
    const file = { studyId: "a", position: 2, crc32c: "AAAAAA==", result, startByte: 1536 }
    const stored = { tarGeneration: "7", metadataGeneration: "8", files: [file] }
    const claim = claimSeries(ledger, runId, 1)!
    ledger.write((tally) => recordPacked(ledger, tally, claim, stored))
    return bench
  }

  const row = {
    study_instance_uid: "1.2",
    series_instance_uid: "1.2.3",
    transfer_syntax: "1.2.840.10008.1.2.1",
    frames: 2,
  }

  test("tells where each lies in the tar of its series, as far as it does", async () => {
    using bench = packed("new")
    const { rows } = await manifest(bench)
    const [first, second] = rows.map((text) => JSON.parse(text))
    expect(first).toMatchObject({
      ...row,
      sop_instance_uid: "1.2.3.2",
      cod_result: "new",
      cod_uri: `${URI}/studies/1.2/series/1.2.3.tar://instances/1.2.3.2.dcm`,
      cod_start_byte: 1536,
      cod_size: 1000,
      copy_deleted_at: null,
    })
    expect(second).toMatchObject({ ...row, sop_instance_uid: "1.2.3.3", ...NOT_PACKED })
    const csv = await manifest(bench, { format: "csv" })
    expect(csv.rows[1]).toEndWith(
      `,1.2,1.2.3,1.2.3.2,1.2.840.10008.1.2.1,2,new,${URI}/studies/1.2/series/1.2.3.tar://instances/1.2.3.2.dcm,1536,1000,`,
    )
  })

  test("names no place for an image of which the series has other bytes", async () => {
    using bench = packed("conflict")
    const { rows } = await manifest(bench)
    expect(JSON.parse(rows[0]!)).toMatchObject({ ...NOT_PACKED, cod_result: "conflict" })
  })

  test("has hashed UIDs in their places, by the key that they were packed with and no other", async () => {
    const [key, other] = ["a long random text", "another random text"] as const
    using bench = packed("same", key)
    const hash = uidHashFunc(key)
    const { rows } = await manifest(bench, { uidHashKey: key })
    expect(JSON.parse(rows[0]!)).toMatchObject({
      ...row,
      cod_uri: `${URI}/studies/${hash("1.2")}/series/${hash("1.2.3")}.tar://instances/${hash("1.2.3.2")}.dcm`,
    })
    await expect(manifest(bench, { uidHashKey: other })).rejects.toThrow(UsageError)
    await expect(manifest(bench)).rejects.toThrow(UsageError)
  })

  test("has UIDs as they are where they were packed so, whatever key there is now", async () => {
    using bench = packed("new")
    const { rows } = await manifest(bench, { uidHashKey: "a key of later times" })
    expect(JSON.parse(rows[0]!).cod_uri).toContain("/studies/1.2/")
  })
})

describe("A manifest's file", () => {
  test("appears when all of it is there, in place of an older one", async () => {
    using dir = tempDir("manifest")
    const path = dir.file("rows.jsonl")
    writeFileSync(path, "old")
    await writeFileWhole(path, async (output) => {
      await output.write(Buffer.from("one\n"))
      await output.write(Buffer.from("two\n"))
      expect(readFileSync(path, "utf8")).toBe("old")
    })
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n")
    expect(readdirSync(dirname(path))).toEqual(["rows.jsonl"])
  })

  test("stays what it was when the writing fails, and nothing is left beside it", async () => {
    using dir = tempDir("manifest")
    const path = dir.file("rows.jsonl")
    writeFileSync(path, "old")
    const writing = writeFileWhole(path, async (output) => {
      await output.write(Buffer.from("half"))
      throw new Aborted()
    })
    await expect(writing).rejects.toThrow(Aborted)
    expect(readFileSync(path, "utf8")).toBe("old")
    expect(readdirSync(dirname(path))).toEqual(["rows.jsonl"])
  })

  test("in a folder that is not there is a usage error", async () => {
    using dir = tempDir("manifest")
    await expect(writeFileWhole(dir.file("no", "where"), async () => {})).rejects.toThrow(UsageError)
  })
})
