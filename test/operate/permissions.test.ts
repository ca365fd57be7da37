import { describe, expect, test } from "bun:test"
import type { Grants, Permission } from "../../lib/demo/cloud/roles.ts"
import {
  type DatabaseDocument,
  databaseGrants,
  type GcsDocument,
  gcsRole,
  grantsOf,
  identifier,
  originPolicy,
} from "../../lib/operate/permissions/documents.ts"
import { rebuildLedger } from "../../lib/pipeline/verify/rebuild.ts"
import { DatabaseRefused } from "../../lib/source/errors.ts"
import { AccessDenied } from "../../lib/storage/errors.ts"
import { openStore } from "../../lib/storage/open.ts"
import { silentProgress } from "../../lib/support/progress.ts"
import { failureOf } from "../contract/bodies.ts"
import { failures, type Hospital, openHospital } from "../support/hospital.ts"
import { script } from "../support/scripts.ts"

const NEVER = { requested: new AbortController().signal, forced: new AbortController().signal }

let roles = 0

/** Lets the hospital's scripts be a role that was granted these documents and nothing else. */
async function asRoleWith(
  { pacs, env }: Hospital,
  ...documents: DatabaseDocument[]
): Promise<AsyncDisposable> {
  roles += 1
  const role = `Reader ${roles} "of" research`
  const [name, reader] = [identifier(role), env.SOURCE_DATABASE_USER!]
  await pacs.sql.unsafe(`create role ${name} login password '${env.SOURCE_DATABASE_PASS}'`)
  for (const document of documents) await pacs.sql.unsafe(databaseGrants(document, role))
  env.SOURCE_DATABASE_USER = role
  return {
    async [Symbol.asyncDispose]() {
      env.SOURCE_DATABASE_USER = reader
      await pacs.sql.unsafe(`drop owned by ${name}; drop role ${name}`)
    },
  }
}

/** Lets the hospital's scripts do at the clouds what these documents allow and nothing else. */
function allowOnly(hospital: Hospital, ...documents: GcsDocument[]) {
  allow(hospital, { [hospital.destination]: rightsOf(...documents) })
}

/** @param grants by bucket of GCS; the origin may always be read */
function allow({ cloud, env, origin }: Hospital, grants: Grants) {
  const key = { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! }
  cloud.roles.allow(key, grantedBy(originPolicy(origin)))
  cloud.roles.allow("anonymous", grants)
}

function rightsOf(...documents: GcsDocument[]): Permission[] {
  return documents.flatMap((name) => JSON.parse(gcsRole(name)).includedPermissions)
}

/** What a policy says of the bucket itself or of all objects in it. */
function grantedBy(policy: string): Grants {
  const { Statement } = JSON.parse(policy) as { Statement: { Action: Permission; Resource: string }[] }
  const granted = Statement.map(({ Action, Resource }) => {
    const [, bucket = "", objects] = /^arn:aws:s3:::([^/]+)(\/\*)?$/.exec(Resource) ?? []
    // An action on objects is granted by no statement about the bucket, and the reverse.
    return { bucket, Action: (Action === "s3:GetObject") === (objects !== undefined) ? [Action] : [] }
  })
  return Object.fromEntries(
    granted.map(({ bucket }) => [
      bucket,
      granted.flatMap((one) => (one.bucket === bucket ? one.Action : [])),
    ]),
  )
}

describe("the grants of the PACS database", () => {
  test("for discover are all that it needs, and none of them is one too many", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    await using _ = await asRoleWith(hospital, "postgresql-discover.sql")
    expect((await hospital.discover()).studies).toMatchObject({ new: 1, eligible: 1 })
    const role = identifier(hospital.env.SOURCE_DATABASE_USER!)
    const columns = grantsOf(databaseGrants("postgresql-discover.sql", "research_reader")).flatMap(
      ({ table, columns }) => columns.map((column) => [table, column] as const),
    )
    const superfluous: string[] = []
    for (const [table, column] of columns) {
      await hospital.pacs.sql.unsafe(`revoke select (${column}) on ${table} from ${role}`)
      const error = await failureOf(hospital.discover({ dryRun: true })).catch(() => undefined)
      if (!(error instanceof DatabaseRefused)) superfluous.push(`${table}.${column}`)
      await hospital.pacs.sql.unsafe(`grant select (${column}) on ${table} to ${role}`)
    }
    expect(columns.length).toBeGreaterThan(30)
    expect(superfluous).toEqual([])
  })

  test("for copy are those for discover, and the text of reports that the origin has no file of", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ reports: [{ content: "text" }] })
    hospital.cloud.delete(hospital.origin, study.reportKeys[0]!)
    {
      await using _ = await asRoleWith(hospital, "postgresql-discover.sql")
      expect(await failureOf(hospital.run())).toBeInstanceOf(DatabaseRefused)
    }
    await using _ = await asRoleWith(hospital, "postgresql-discover.sql", "postgresql-copy.sql")
    expect((await hospital.run()).code).toBe(0)
    expect(hospital.text(study.reportKeys[0]!)).toBe("text")
  })

  test("for why are those for discover, and what is deleted; it looks at the clouds as verify does", async () => {
    using hospital = await openHospital()
    const { studyId } = await hospital.admit({ study: { deleted: true } })
    await hospital.run()
    const why = async (...documents: DatabaseDocument[]) => {
      await using _ = await asRoleWith(hospital, ...documents)
      return await script(hospital, "why", studyId)
    }
    allowOnly(hospital, "gcs-verify.json")
    const told = await why("postgresql-discover.sql", "postgresql-why.sql")
    expect(told.exitCode).toBe(0)
    expect(told.stdout).not.toContain("could not be asked")
    expect((await why("postgresql-discover.sql")).exitCode).toBe(1)
    allowOnly(hospital, "gcs-adopt.json")
    const partly = await why("postgresql-discover.sql", "postgresql-why.sql")
    expect(partly.stdout).toContain("could not be asked")
  })

  test("name no person and give no right to write", async () => {
    using hospital = await openHospital()
    const documents = ["postgresql-discover.sql", "postgresql-copy.sql", "postgresql-why.sql"] as const
    await using _ = await asRoleWith(hospital, ...documents)
    const role = hospital.env.SOURCE_DATABASE_USER!
    const rights = await hospital.pacs.sql<{ what: string }[]>`
      select format('%s %s.%s', privilege_type, table_name, column_name) as what
      from information_schema.column_privileges where grantee = ${role}`
    const granted = documents.flatMap((name) =>
      grantsOf(databaseGrants(name, role)).flatMap(({ table, columns }) =>
        columns.map((column) => `SELECT ${table}.${column}`),
      ),
    )
    expect(rights.map(({ what }) => what).sort()).toEqual(granted.sort())
    expect(granted.filter((right) => /name|mail/.test(right))).toEqual(["SELECT pacs_body_part.name"])
  })
})

describe("the policy of the origin and the roles of the destination", () => {
  test("write only is enough for new studies", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    const lacking = await hospital.admit()
    hospital.cloud.delete(hospital.origin, lacking.imageKeys[0]!)
    allowOnly(hospital, "gcs-create.json")
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.totals).toMatchObject({ studies: 2, succeeded: 1 })
    // With the right to list, S3 says what is missing instead of that it is forbidden.
    expect(failures(hospital)).toMatchObject([{ verdict: "missing", error_class: "NotFound" }])
  })

  test("copy settles lost answers and replaces what changed, which write only does not", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    allowOnly(hospital, "gcs-copy.json")
    hospital.cloud.fail({
      operation: "gcs.insert",
      nth: 2,
      fault: { kind: "status", status: 503, afterEffect: true },
    })
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    hospital.cloud.put(hospital.origin, study.imageKeys[0]!, `${"\0".repeat(128)}DICM changed`)
    const again = { studyIds: [study.studyId], force: true }
    allowOnly(hospital, "gcs-create.json")
    expect(await outcomeOf(hospital.copy(again))).not.toBe(0)
    allowOnly(hospital, "gcs-copy.json")
    expect(await outcomeOf(hospital.copy(again))).toBe(0)
    expect(hospital.text(study.imageKeys[0]!)).toEndWith("DICM changed")
  })

  test("adopt and verify compare by lists alone; to read every byte verify needs more", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discover()
    allowOnly(hospital, "gcs-adopt.json")
    const [key] = study.imageKeys as [string]
    hospital.cloud.put(hospital.destination, key, hospital.cloud.get(hospital.origin, key)!.bytes)
    expect((await hospital.adopt()).adopted).toMatchObject({ objects: 1 })
    expect((await hospital.verify()).code).toBe(0)
    expect(await outcomeOf(hospital.verify({ read: true }))).toBeInstanceOf(AccessDenied)
    allowOnly(hospital, "gcs-verify.json")
    expect(await outcomeOf(hospital.verify({ read: true }))).toBe(0)
    allowOnly(hospital, "gcs-copy.json")
    expect(await failureOf(hospital.verify())).toBeInstanceOf(AccessDenied)
  })

  test("rebuilding a ledger lists and reads", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    await hospital.run()
    const rebuild = (name: string) =>
      hospital.withDeps(async ({ destination }) => {
        const options = { path: hospital.dir.file(name), words: [] }
        using datastore = openStore(`${destination.uri}/cod/dicomweb`, {
          gcs: { emulatorUrl: hospital.cloud.url },
        })
        const places = { destination, datastore, uidHashKey: undefined }
        return await rebuildLedger({ ...places, progress: silentProgress }, options, NEVER)
      })
    allowOnly(hospital, "gcs-adopt.json")
    await expect(rebuild("without")).rejects.toThrow(AccessDenied)
    allowOnly(hospital, "gcs-verify.json")
    expect(await rebuild("with")).toMatchObject({ studies: 1, unusable: [] })
  })

  test("prune lists and deletes, and cannot create or read", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    await hospital.run()
    await hospital.pacs.sql`delete from pacs_images where id = ${study.rows.pacs_images[1]!.id}`
    await hospital.run()
    allowOnly(hospital, "gcs-verify.json")
    await expect(hospital.verify({ prune: true })).rejects.toThrow(AccessDenied)
    allowOnly(hospital, "gcs-prune.json")
    const { prune } = await hospital.verify({ prune: true })
    expect(prune?.deleted.map(({ key }) => key)).toEqual([study.imageKeys[1]!])
  })
})

describe("the role of the datastore", () => {
  /** A hospital that packs into a bucket of its own. */
  async function openWithDatastore() {
    const hospital = await openHospital()
    const datastore = `series-of-${hospital.destination}`
    hospital.cloud.createBucket(datastore)
    hospital.env.COD_DATASTORE_URI = `gs://${datastore}/dicomweb`
    return { hospital, datastore }
  }

  /** Of images that count as packed, and of locks that stand. */
  const packedIn = (hospital: Hospital, datastore: string) => ({
    images: hospital.rows("select 1 from cod_instances where result in ('new', 'same')").length,
    waiting: hospital.rows("select 1 from objects where to_pack = 1").length,
    locks: hospital.cloud.keys(datastore).filter((key) => key.endsWith(".lock")).length,
  })

  test("and write only at the destination are enough for a run, also where images are added to a series", async () => {
    const { hospital, datastore } = await openWithDatastore()
    using _ = hospital
    allow(hospital, {
      [hospital.destination]: rightsOf("gcs-create.json"),
      [datastore]: rightsOf("gcs-ingest.json"),
    })
    await hospital.admit()
    expect((await hospital.run()).code).toBe(0)
    await hospital.admit({ images: [{}, { instance_number: 2 }] })
    expect((await hospital.run()).code).toBe(0)
    expect(packedIn(hospital, datastore)).toEqual({ images: 3, waiting: 0, locks: 0 })
  })

  test.each(rightsOf("gcs-ingest.json"))(
    "has none too many: without %s nothing is added, and once it is granted the next run mends all",
    async (right) => {
      const { hospital, datastore } = await openWithDatastore()
      using _ = hospital
      const all = rightsOf("gcs-ingest.json")
      const only = (rights: readonly Permission[]) =>
        allow(hospital, { [hospital.destination]: rightsOf("gcs-copy.json"), [datastore]: rights })
      only(all)
      await hospital.admit()
      await hospital.run()
      await hospital.admit({ images: [{}, { instance_number: 2 }] })
      only(all.filter((permission) => permission !== right))
      expect(await outcomeOf(hospital.run())).not.toBe(0)
      expect(packedIn(hospital, datastore)).toMatchObject({ images: 1 })
      only(all)
      expect(await outcomeOf(hospital.run())).toBe(0)
      expect(packedIn(hospital, datastore)).toEqual({ images: 3, waiting: 0, locks: 0 })
    },
  )

  test("lets ingest alone pack what it may read at the destination", async () => {
    const { hospital, datastore } = await openWithDatastore()
    using _ = hospital
    await hospital.admit()
    await hospital.discoverAndCopy()
    allow(hospital, {
      [hospital.destination]: rightsOf("gcs-create.json"),
      [datastore]: rightsOf("gcs-ingest.json"),
    })
    expect(await outcomeOf(hospital.ingest())).not.toBe(0)
    allow(hospital, {
      [hospital.destination]: rightsOf("gcs-verify.json"),
      [datastore]: rightsOf("gcs-ingest.json"),
    })
    expect(await outcomeOf(hospital.ingest())).toBe(0)
    expect(packedIn(hospital, datastore)).toEqual({ images: 1, waiting: 0, locks: 0 })
  })
})

/** The exit code, or what ended it. */
async function outcomeOf(step: Promise<{ readonly code: number }>): Promise<unknown> {
  return await step.then(
    ({ code }) => code,
    (error: unknown) => error,
  )
}
