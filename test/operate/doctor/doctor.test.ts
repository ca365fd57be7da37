import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { createServer } from "node:net"
import { dirname } from "node:path"
import type { Permission } from "../../../lib/demo/cloud/roles.ts"
import { type DoctorOptions, type DoctorReport, examine } from "../../../lib/operate/doctor/doctor.ts"
import type { Finding } from "../../../lib/operate/doctor/finding.ts"
import { readSettings } from "../../../lib/operate/doctor/settings.ts"
import { PROBE_KEY } from "../../../lib/operate/doctor/writing.ts"
import { gcsRole, originPolicy } from "../../../lib/operate/permissions/documents.ts"
import { Aborted } from "../../../lib/support/errors.ts"
import { failureOf } from "../../contract/bodies.ts"
import { effectsAt, folderDestination, type Hospital, openHospital } from "../../support/hospital.ts"
import { boxOf, documentOf, ledgerOf, script } from "../../support/scripts.ts"

const NEVER = new AbortController().signal

/** A box on which all is well: a hospital with a study, room on its disks, and a ledger if one is wanted. */
async function wellBox({ ledger = false } = {}): Promise<Hospital> {
  const hospital = await openHospital()
  await hospital.admit()
  if (ledger) await hospital.discover()
  hospital.env.SPOOL_BYTES = "1 MB"
  hospital.cloud.createBucket(datastoreOf(hospital))
  hospital.env.COD_DATASTORE_URI = `gs://${datastoreOf(hospital)}/dicomweb`
  hospital.cloud.log.clear()
  return hospital
}

/** The bucket of its datastore. */
function datastoreOf({ destination }: Hospital): string {
  return `series-of-${destination}`
}

function examined({ env }: Hospital, options: DoctorOptions = {}, signal = NEVER): Promise<DoctorReport> {
  return examine(readSettings(env), { reserveBytes: 0, ...options }, signal)
}

/** What is not well, by check. */
function ills({ findings }: DoctorReport): Record<string, string> {
  return Object.fromEntries(
    findings.filter(({ state }) => state !== "ok").map(({ check, state }) => [check, state]),
  )
}

function findingOf({ findings }: DoctorReport, check: string): Finding {
  return findings.find((finding) => finding.check === check)!
}

function fixOf(report: DoctorReport, check: string): string {
  const finding = findingOf(report, check)
  return finding.state === "fault" ? finding.fix : ""
}

describe("a box on which all is well", () => {
  test("has a line for each check, all ok, and is left as it was", async () => {
    using hospital = await wellBox({ ledger: true })
    const before = ledgerOf(hospital)
    const report = await examined(hospital)
    expect(ills(report)).toEqual({})
    expect(report).toMatchObject({ faults: 0, unknown: 0 })
    expect(report.findings.map(({ check }) => check)).toEqual([
      "configuration",
      "Bun",
      "SQLite",
      "zstd",
      "ffmpeg",
      "database",
      "database: tables and columns",
      "database: grants",
      "database: queries",
      "database: clock",
      "origin: list",
      "origin: read",
      "destination: list",
      "destination: create",
      "destination: read",
      "destination: delete",
      "datastore: list",
      "datastore: create",
      "datastore: read",
      "datastore: delete",
      "S3: clock",
      "GCS: clock",
      "ledger",
      "ledger: disk",
      "locks",
      "spool: disk",
    ])
    expect(ledgerOf(hospital)).toBe(before)
    expect(
      hospital.cloud.log.entries
        .flatMap(({ effect, bucket, key }) => (effect ? [`${effect} ${bucket}/${key}`] : []))
        .sort(),
    ).toEqual([
      `created ${hospital.destination}/${PROBE_KEY}`,
      `created ${datastoreOf(hospital)}/dicomweb/${PROBE_KEY}`,
      `deleted ${hospital.destination}/${PROBE_KEY}`,
      `deleted ${datastoreOf(hospital)}/dicomweb/${PROBE_KEY}`,
    ])
    expect(hospital.cloud.keys(hospital.destination)).toEqual([])
    expect(hospital.cloud.keys(datastoreOf(hospital))).toEqual([])
  })

  test("may be one on which nothing ran yet: neither ledger nor spool is made", async () => {
    using hospital = await wellBox()
    expect(ills(await examined(hospital))).toEqual({})
    expect(boxOf(hospital)).toEqual({})
    expect(existsSync(hospital.env.SPOOL_DIR!)).toBe(false)
  })

  test("may have a folder as its destination, which is tried like a bucket, and not made", async () => {
    using hospital = await wellBox()
    const { uri, path } = folderDestination(hospital.dir)
    hospital.env.DESTINATION_URI = uri
    delete hospital.env.COD_DATASTORE_URI
    expect(ills(await examined(hospital))).toEqual({})
    expect(existsSync(path)).toBe(false)
    mkdirSync(path)
    const report = await examined(hospital)
    expect(ills(report)).toEqual({})
    expect(findingOf(report, "destination: delete").detail).toContain("was deleted")
    expect(findingOf(report, "datastore").detail).toBe(
      `${uri}/cod/dicomweb is not there yet; the first ingest makes it`,
    )
    expect(readdirSync(path).filter((name) => !name.startsWith(".objects.sqlite"))).toEqual([])
  })

  test("may be examined twice at once", async () => {
    using hospital = await wellBox()
    const reports = await Promise.all([examined(hospital), examined(hospital), examined(hospital)])
    expect(reports.map(ills)).toEqual([{}, {}, {}])
    expect(hospital.cloud.keys(hospital.destination)).toEqual([])
  })
})

describe("the script", () => {
  test("prints one document, or a line a check with what mends it below; exit code 1 for a fault", async () => {
    using hospital = await wellBox()
    const well = await script(hospital, "doctor", "--json")
    expect({ code: well.exitCode, faults: documentOf(well).faults, stderr: well.stderr }).toEqual({
      code: 0,
      faults: 0,
      stderr: "",
    })
    hospital.env.SOURCE_DATABASE_PASS = "not-the-password"
    const ill = await script(hospital, "doctor")
    expect(ill.exitCode).toBe(1)
    expect(ill.stdout).toMatch(/^fault {4}database +DatabaseRefused: .*\n {4}Set SOURCE_DATABASE_PASS/m)
    expect(ill.stdout).toMatch(/^ok {7}origin: read +an object can be read$/m)
    expect(ill.stdout).toEndWith("\n1 fault in 22 checks.\n")
    expect(ill.stdout + ill.stderr).not.toContain("not-the-password")
  })
})

/** Changes the database for the time of some work. */
async function withChange<T>(
  { pacs }: Hospital,
  change: string,
  undo: string,
  work: () => Promise<T>,
): Promise<T> {
  await pacs.sql.unsafe(change)
  try {
    return await work()
  } finally {
    await pacs.sql.unsafe(undo)
  }
}

describe("a file of credentials", () => {
  test("that is none is told, and everything else is examined", async () => {
    using hospital = await wellBox()
    const path = hospital.dir.file("key.json")
    await Bun.write(path, "-----BEGIN PRIVATE KEY-----")
    delete hospital.env.STORAGE_EMULATOR_HOST
    // No test asks Google for the time.
    Object.assign(hospital.env, { GCS_CREDENTIALS_PATH: path, HTTPS_PROXY: "http://127.0.0.1:1" })
    const finished = await script(hospital, "doctor", "--json")
    const report: DoctorReport = documentOf(finished)
    expect(ills(report)).toEqual({ destination: "fault", datastore: "fault", "GCS: clock": "unknown" })
    expect(fixOf(report, "destination")).toBe("Check GCS_CREDENTIALS_PATH.")
    expect(finished.stdout).not.toContain("PRIVATE KEY")
  })
})

describe("the configuration", () => {
  test("that is incomplete is told variable by variable, and what does not need it is examined", async () => {
    using hospital = await wellBox()
    delete hospital.env.SOURCE_DATABASE_HOST
    hospital.env.GCS_CREDENTIALS_PATH = "/no/such/key.json"
    delete hospital.env.STORAGE_EMULATOR_HOST
    hospital.env.RANK_FROM = "9"
    const report = await examined(hospital)
    expect(ills(report)).toEqual({
      configuration: "fault",
      database: "unknown",
      destination: "unknown",
      datastore: "unknown",
    })
    for (const name of ["SOURCE_DATABASE_HOST", "GCS_CREDENTIALS_PATH", "RANK_FROM"]) {
      expect(fixOf(report, "configuration")).toContain(name)
    }
  })
})

describe("a database", () => {
  const DEPENDENT = [
    "database: tables and columns",
    "database: grants",
    "database: queries",
    "database: clock",
  ]

  test.each([
    ["is out of reach", { SOURCE_DATABASE_PORT: "1" }, "SOURCE_DATABASE_PORT (now 127.0.0.1 and 1)"],
    ["refuses the password", { SOURCE_DATABASE_PASS: "not-the-password" }, "Set SOURCE_DATABASE_PASS"],
    ["is not there", { SOURCE_DATABASE_NAME: "no such database" }, "Set SOURCE_DATABASE_NAME"],
  ])("that %s is told with the variable to set", async (_, env, fix) => {
    using hospital = await wellBox()
    Object.assign(hospital.env, env)
    const report = await examined(hospital)
    expect(ills(report)).toEqual({ database: "fault" })
    expect(fixOf(report, "database")).toContain(fix)
    expect(report.findings.filter(({ check }) => DEPENDENT.includes(check))).toEqual([])
    expect(JSON.stringify(report)).not.toContain("not-the-password")
  })

  test("that is silent is told in time, and the doctor ends when it is stopped", async () => {
    using hospital = await wellBox()
    const silent = createServer(() => {}).listen(0, "127.0.0.1")
    await new Promise((resolve) => silent.once("listening", resolve))
    const { port } = silent.address() as { port: number }
    Object.assign(hospital.env, { SOURCE_DATABASE_PORT: String(port), STALL_SECONDS: "1" })
    expect(ills(await examined(hospital))).toEqual({ database: "fault" })
    hospital.env.STALL_SECONDS = "30"
    const stop = new AbortController()
    const stopped = failureOf(examined(hospital, {}, stop.signal))
    const reason = new Aborted("stopped by a signal")
    stop.abort(reason)
    expect(await stopped).toBe(reason)
    silent.close()
  })

  test("that does not let its tables be read is told with the grants, and they mend it", async () => {
    using hospital = await wellBox()
    const tables = "pacs_images, pacs_reports"
    const [revoke, grant] = [
      `revoke select on ${tables} from pacs_reader`,
      `${`revoke select on ${tables} from pacs_reader`}; grant select on ${tables} to pacs_reader`,
    ]
    await withChange(hospital, revoke, grant, async () => {
      const report = await examined(hospital)
      expect(ills(report)).toEqual({ "database: grants": "fault", "database: queries": "unknown" })
      expect(findingOf(report, "database: grants").detail).toBe("may not be read: pacs_images, pacs_reports")
      const [told, ...statements] = fixOf(report, "database: grants").split("\n")
      expect(told).toBe("Let the owner of these tables run:")
      expect(statements.join("\n")).toContain("on pacs_images to pacs_reader;")
      expect(statements.join("\n")).not.toContain("pacs_series to")
      await hospital.pacs.sql.unsafe(statements.join("\n"))
      expect(ills(await examined(hospital))).toEqual({})
    })
  })

  test.each([
    [
      "lacks a table",
      "alter table pacs_body_part rename to other",
      "alter table other rename to pacs_body_part",
      "database: tables and columns",
      "missing: pacs_body_part",
    ],
    [
      "lacks a column",
      "alter table pacs_images rename file_size to bytes",
      "alter table pacs_images rename bytes to file_size",
      "database: tables and columns",
      "missing: pacs_images.file_size",
    ],
    [
      "has a column of another type",
      "alter table pacs_studies alter migrated type text",
      `alter table pacs_studies alter migrated drop default, alter migrated type boolean using migrated::boolean,
         alter migrated set default false`,
      "database: queries",
      "SchemaMismatch",
    ],
  ])("that %s is told", async (_, change, undo, check, told) => {
    using hospital = await wellBox()
    const report = await withChange(hospital, change, undo, () => examined(hospital))
    expect(ills(report)[check]).toBe("fault")
    expect(report.faults).toBe(1)
    expect(findingOf(report, check).detail).toContain(told)
    expect(fixOf(report, check)).toContain("SOURCE_DATABASE_NAME")
  })
})

/** Everybody may do everything but what is left out. */
function allowAllBut(hospital: Hospital, leftOut?: Permission, at = hospital.destination) {
  const { cloud, env, origin, destination } = hospital
  const but = (permissions: Permission[]) => permissions.filter((permission) => permission !== leftOut)
  cloud.roles.allow(
    { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: "secret-of-the-key" },
    { [origin]: but(["s3:GetObject", "s3:ListBucket"]) },
  )
  const all: Permission[] = [
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.get",
    "storage.objects.list",
  ]
  cloud.roles.allow("anonymous", {
    [destination]: all,
    [datastoreOf(hospital)]: all,
    [at]: but(all),
  })
}

test("services that are out of reach are told with their addresses", async () => {
  using hospital = await wellBox()
  const nowhere = "http://127.0.0.1:1"
  Object.assign(hospital.env, { AWS_ENDPOINT_URL: nowhere, STORAGE_EMULATOR_HOST: nowhere })
  const report = await examined(hospital)
  expect(ills(report)).toEqual({
    "origin: list": "fault",
    "origin: read": "unknown",
    "destination: list": "fault",
    "destination: create": "fault",
    "destination: read": "unknown",
    "destination: delete": "unknown",
    "datastore: list": "fault",
    "datastore: create": "fault",
    "datastore: read": "unknown",
    "datastore: delete": "unknown",
    "S3: clock": "unknown",
    "GCS: clock": "unknown",
  })
  expect(fixOf(report, "origin: list")).toContain(`AWS_ENDPOINT_URL (now ${nowhere}`)
  expect(fixOf(report, "destination: create")).toContain(`STORAGE_EMULATOR_HOST (now ${nowhere}`)
})

describe("an origin", () => {
  test.each([
    ["listed", "s3:ListBucket", { "origin: list": "fault", "origin: read": "unknown" }, "origin: list"],
    ["read", "s3:GetObject", { "origin: read": "fault" }, "origin: read"],
  ] as const)("that may not be %s is told with the policy", async (_, permission, expected, check) => {
    using hospital = await wellBox()
    allowAllBut(hospital, permission)
    const report = await examined(hospital)
    expect(ills(report)).toEqual(expected)
    expect(fixOf(report, check)).toEndWith(originPolicy(hospital.origin))
    expect(JSON.stringify(report)).not.toContain(hospital.cloud.keys(hospital.origin)[0]!)
  })

  test.each([
    ["is not there", { ORIGIN_URI: "s3://no-such-bucket" }, "ORIGIN_URI"],
    ["does not know the key", { AWS_ACCESS_KEY_ID: "another-key" }, "AWS_ACCESS_KEY_ID"],
    ["does not know the secret", { AWS_SECRET_ACCESS_KEY: "another-secret" }, "AWS_SECRET_ACCESS_KEY"],
  ])("that %s is told with the variable to set", async (_, env, variable) => {
    using hospital = await wellBox()
    allowAllBut(hospital)
    Object.assign(hospital.env, env)
    const report = await examined(hospital)
    expect(ills(report)).toEqual({ "origin: list": "fault", "origin: read": "unknown" })
    expect(fixOf(report, "origin: list")).toStartWith(`Set ${variable} `)
    expect(JSON.stringify(report)).not.toContain("another-secret")
  })

  test("without any file is the wrong one", async () => {
    using hospital = await wellBox()
    hospital.cloud.createBucket("empty-origin")
    hospital.env.ORIGIN_URI = "s3://empty-origin"
    const report = await examined(hospital)
    expect(ills(report)).toEqual({ "origin: list": "fault", "origin: read": "unknown" })
  })
})

describe("a destination", () => {
  test.each([
    ["listed", "list", { "destination: list": "fault" }, "gcs-verify.json"],
    [
      "written",
      "create",
      { "destination: create": "fault", "destination: read": "unknown", "destination: delete": "unknown" },
      "gcs-copy.json",
    ],
    ["read", "get", { "destination: read": "fault" }, "gcs-copy.json"],
    ["deleted from", "delete", { "destination: delete": "fault" }, "gcs-copy.json"],
  ] as const)("that may not be %s is told with the role", async (_, right, expected, name) => {
    using hospital = await wellBox()
    allowAllBut(hospital, `storage.objects.${right}`)
    const report = await examined(hospital)
    expect(ills(report)).toEqual(expected)
    const fix = fixOf(report, Object.keys(expected)[0]!)
    expect(fix).toContain(gcsRole(name))
    expect(fix).toContain(`gs://${hospital.destination} `)
  })

  test("from which nothing may be deleted keeps one small object, until a doctor comes who may", async () => {
    using hospital = await wellBox()
    allowAllBut(hospital, "storage.objects.delete")
    await examined(hospital)
    const report = await examined(hospital)
    expect(findingOf(report, "destination: create")).toMatchObject({ state: "ok" })
    expect(findingOf(report, "destination: delete").detail).toContain(`${PROBE_KEY} stays`)
    expect(hospital.cloud.keys(hospital.destination)).toEqual([PROBE_KEY])
    allowAllBut(hospital, "storage.objects.get")
    expect(ills(await examined(hospital))).toEqual({
      "destination: read": "fault",
      "destination: delete": "unknown",
    })
    allowAllBut(hospital)
    expect(ills(await examined(hospital))).toEqual({})
    expect(effectsAt(hospital, PROBE_KEY)).toEqual(["created", "deleted"])
  })

  test("that is not there, or is a file, is told with the variable to set", async () => {
    using hospital = await wellBox()
    hospital.env.DESTINATION_URI = "gs://no-such-bucket"
    const report = await examined(hospital)
    expect(ills(report)).toMatchObject({ "destination: list": "fault", "destination: create": "fault" })
    expect(fixOf(report, "destination: create")).toBe(
      "Set DESTINATION_URI (or GCS_BUCKET_NAME) to a bucket that exists.",
    )
    const { uri, path } = folderDestination(hospital.dir)
    await Bun.write(path, "a file")
    hospital.env.DESTINATION_URI = uri
    expect(fixOf(await examined(hospital), "destination: create")).toBe("Set DESTINATION_URI to a folder.")
    expect(await Bun.file(path).text()).toBe("a file")
  })
})

describe("a datastore", () => {
  test.each([
    ["listed", "list", { "datastore: list": "fault" }],
    [
      "written",
      "create",
      { "datastore: create": "fault", "datastore: read": "unknown", "datastore: delete": "unknown" },
    ],
    ["read", "get", { "datastore: read": "fault" }],
    ["deleted from", "delete", { "datastore: delete": "fault" }],
  ] as const)("that may not be %s is told with the role", async (_, right, expected) => {
    using hospital = await wellBox()
    allowAllBut(hospital, `storage.objects.${right}`, datastoreOf(hospital))
    const report = await examined(hospital)
    expect(ills(report)).toEqual(expected)
    const fix = fixOf(report, Object.keys(expected)[0]!)
    expect(fix).toContain("Needed by ingest, run and schedule")
    expect(fix).toContain(gcsRole("gcs-ingest.json"))
    expect(fix).toContain(`gs://${datastoreOf(hospital)} `)
  })

  test("that is not there is told with the variable to set", async () => {
    using hospital = await wellBox()
    hospital.env.COD_DATASTORE_URI = "gs://no-such-bucket/dicomweb"
    const report = await examined(hospital)
    expect(fixOf(report, "datastore: create")).toBe("Set COD_DATASTORE_URI to a bucket that exists.")
  })
})

test("a place for backups is looked at where one is named, and nothing is written there", async () => {
  using hospital = await wellBox()
  hospital.cloud.createBucket("backups")
  hospital.env.LEDGER_BACKUP_URI = "gs://backups/ledger"
  const report = await examined(hospital)
  expect(ills(report)).toEqual({})
  expect(findingOf(report, "backups")).toEqual({
    check: "backups",
    state: "ok",
    detail: "gs://backups/ledger",
  })
  expect(hospital.cloud.log.find({ bucket: "backups" }).map(({ operation }) => operation)).toEqual([
    "gcs.list",
  ])
  hospital.env.LEDGER_BACKUP_URI = "gs://no-backups"
  expect(fixOf(await examined(hospital), "backups")).toBe("Set LEDGER_BACKUP_URI to a bucket that exists.")
})

describe("a clock", () => {
  test.each([
    ["s3.unknown", "S3: clock", 600, "this machine is 10 min 0 s behind S3"],
    ["gcs.unknown", "GCS: clock", -90, "this machine is 1 min 30 s ahead of GCS"],
  ])("that differs from that of a cloud is told: %s", async (operation, check, seconds, told) => {
    using hospital = await wellBox()
    hospital.cloud.fail({ operation, times: 9, fault: { kind: "wrong-date", seconds } })
    const report = await examined(hospital)
    expect(ills(report)).toEqual({ [check]: "fault" })
    // To the second or so: the answer's date has no fractions.
    const minutes = told.split(/\d+ s/)
    expect(findingOf(report, check).detail.split(/\d+ s/)[1]).toBe(minutes[1])
    expect(fixOf(report, check)).toContain("timedatectl")
  })

  test("that differs by less than a minute is mentioned", async () => {
    using hospital = await wellBox()
    hospital.cloud.fail({ operation: "s3.unknown", fault: { kind: "wrong-date", seconds: 30 } })
    const report = await examined(hospital)
    expect(ills(report)).toEqual({})
    expect(findingOf(report, "S3: clock").detail).toContain("behind S3")
  })

  test("that differs from the database's is told", async () => {
    using hospital = await wellBox()
    const database = `"${hospital.env.SOURCE_DATABASE_NAME}"`
    const report = await withChange(
      hospital,
      `create function public.clock_timestamp() returns timestamptz language sql
         as 'select pg_catalog.clock_timestamp() - interval ''1 hour''';
       alter role pacs_reader in database ${database} set search_path = public, pg_catalog`,
      `drop function public.clock_timestamp(); alter role pacs_reader in database ${database} reset search_path`,
      () => examined(hospital),
    )
    expect(ills(report)).toEqual({ "database: clock": "fault" })
    expect(findingOf(report, "database: clock").detail).toContain("ahead of the database")
  })
})

describe("a disk", () => {
  test("with less room than the spool may take is told", async () => {
    using hospital = await wellBox()
    hospital.env.SPOOL_BYTES = "5000 TB"
    const report = await examined(hospital)
    expect(ills(report)).toEqual({ "spool: disk": "fault" })
    expect(findingOf(report, "spool: disk").detail).toMatch(/ free in .*, 5\.0 PB needed$/)
    expect(fixOf(report, "spool: disk")).toContain("SPOOL_BYTES")
  })

  test("that a full spool has filled is not short of room", async () => {
    using hospital = await wellBox()
    const [spool, gigabyte] = [hospital.env.SPOOL_DIR!, 1e9]
    const { bavail, bsize } = statfsSync(hospital.dir.path)
    hospital.env.SPOOL_BYTES = `${bavail * bsize + gigabyte} B`
    expect(ills(await examined(hospital))).toEqual({ "spool: disk": "fault" })
    mkdirSync(spool)
    writeFileSync(`${spool}/body`, "")
    // Without its bytes: they would take a while.
    truncateSync(`${spool}/body`, 2 * gigabyte)
    expect(ills(await examined(hospital))).toEqual({})
  })

  test("with less room than the ledger may need is told", async () => {
    using hospital = await wellBox()
    const report = await examined(hospital, { reserveBytes: 1e15 })
    expect(ills(report)).toEqual({ "ledger: disk": "fault" })
    expect(fixOf(report, "ledger: disk")).toContain("LEDGER_PATH")
  })
})

describe("a ledger", () => {
  const edit = (path: string, ...statements: string[]) => {
    using db = new Database(path)
    for (const statement of statements) db.run(statement)
  }
  /** Where the rows of a table begin; the schema stays readable. */
  const damage = (path: string) => {
    using db = new Database(path, { readonly: true })
    const { root } = db
      .query<{ root: number }, []>("select rootpage as root from sqlite_schema where name = 'objects'")
      .get()!
    const page = 4096
    const file = openSync(path, "r+")
    writeSync(file, new Uint8Array(page).fill(7), 0, page, (root - 1) * page)
    closeSync(file)
  }

  test.each<[string, (path: string) => unknown, string, string]>([
    ["is damaged", damage, "damaged: ", "bun run backup restore FILE"],
    ["is something else", (path) => Bun.write(path, "my shopping list ".repeat(99)), "is damaged", "backup"],
    [
      "is newer than the program",
      (path) => edit(path, "pragma user_version = 99"),
      "newer than this program",
      "Update the program",
    ],
    [
      "is older than the program",
      (path) => edit(path, "pragma user_version = 1"),
      "older than this program",
      "it migrates the ledger",
    ],
    [
      "has rows that refer to nothing",
      (path) => edit(path, "pragma foreign_keys = off", "delete from runs"),
      "refer to rows that are not there",
      "backup",
    ],
  ])("that %s is told", async (_, spoil, told, fix) => {
    using hospital = await wellBox({ ledger: true })
    await spoil(hospital.ledgerPath)
    const before = ledgerOf(hospital)
    const report = await examined(hospital)
    expect(ills(report)).toEqual({ ledger: "fault" })
    expect(findingOf(report, "ledger").detail).toContain(told)
    expect(fixOf(report, "ledger")).toContain(fix)
    expect(ledgerOf(hospital)).toBe(before)
  })

  test("that cannot be read in time is no fault, and nothing is said of it", async () => {
    using hospital = await wellBox({ ledger: true })
    // Large enough for its reading to take many times as long as it may.
    edit(
      hospital.ledgerPath,
      `insert into hourly (hour) with recursive n (i) as (values (1) union all select i + 1 from n where i < 300000)
       select i from n`,
    )
    hospital.env.STALL_SECONDS = "0.001"
    const report = await examined(hospital)
    expect(findingOf(report, "ledger")).toEqual({
      check: "ledger",
      state: "unknown",
      detail: "not finished within 1 ms",
    })
  })

  test("whose folder is a file is told", async () => {
    using hospital = await wellBox({ ledger: true })
    hospital.env.LEDGER_PATH = `${hospital.ledgerPath}/ledger.sqlite`
    expect(ills(await examined(hospital))).toMatchObject({ ledger: "fault" })
    expect(existsSync(dirname(hospital.ledgerPath))).toBe(true)
  })
})

describe("a Bun", () => {
  test.each([
    ["1.3.9", "an older one"],
    ["1.5.0", "a newer one"],
  ])("of version %s is told", async (bun, which) => {
    using hospital = await wellBox()
    const report = await examined(hospital, { bun })
    expect(ills(report)).toEqual({ Bun: "fault" })
    expect(findingOf(report, "Bun").detail).toContain(which)
    expect(fixOf(report, "Bun")).toContain("npm install")
  })
})
