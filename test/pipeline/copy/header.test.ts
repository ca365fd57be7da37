import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { copyStudies } from "../../../lib/pipeline/copy/copy.ts"
import type { KeptFiles } from "../../../lib/pipeline/ingest/kept-files.ts"
import { keptFiles } from "../../../lib/pipeline/ingest/kept-files.ts"
import { dicomFile, EXPLICIT, explicit } from "../../cod/format/dicom/build.ts"
import { noise } from "../../contract/bodies.ts"
import { type Chest, dicomBody } from "../../support/chest.ts"
import { type Hospital, openHospital, storedAt } from "../../support/hospital.ts"

const MiB = 1 << 20

interface HeaderRow {
  readonly uid: string | null
  readonly syntax: string | null
  readonly frames: number | null
  readonly series: string | null
  readonly error: string | null
  readonly state: string
}

/** What the ledger knows of the images, in their order. */
function headers(hospital: Hospital): HeaderRow[] {
  return hospital.rows(
    `select sop_instance_uid as uid, transfer_syntax as syntax, frames, series_uid as series, header_error as error,
       o.state
     from objects o left join cod_series using (series_no) where kind = 'dicom' order by position`,
  )
}

const header = (seed: number, length: number): HeaderRow => ({
  uid: `2.25.3${seed}0${length}`,
  syntax: EXPLICIT,
  frames: 1,
  series: "2.25.2",
  error: null,
  state: "copied",
})

describe("The header of an image that is copied", () => {
  test("is recorded with the copy, of a small one and of a large one", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const { imageKeys } = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    cloud.put(origin, imageKeys[1]!, dicomBody(2, 2 * MiB))
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.totals).toMatchObject({ succeeded: 1, warnings: 0 })
    expect(headers(hospital)).toEqual([header(1, 400), header(2, 2 * MiB)])
    expect(cloud.log.find({ operation: "gcs.get" })).toEqual([])
  })

  test("is recorded also when the same bytes stand at the destination already", async () => {
    using hospital = await openHospital()
    const { cloud, destination, origin } = hospital
    const { imageKeys } = await hospital.admit()
    // Nobody knows of these two that they are the same but who reads them.
    cloud.put(origin, imageKeys[0]!, dicomBody(1, 400), { kms: true })
    cloud.put(destination, imageKeys[0]!, dicomBody(1, 400))
    await hospital.discoverAndCopy()
    expect(hospital.rows("select outcome from copy_attempts where position = 2")).toEqual([
      { outcome: "adopted" },
    ])
    expect(headers(hospital)).toEqual([header(1, 400)])
  })

  test("that is none is no failure of the copy: the ledger says why", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const { imageKeys } = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    cloud.put(origin, imageKeys[0]!, noise(2 * MiB))
    cloud.put(origin, imageKeys[1]!, dicomFile([explicit(0x0020000d, "UI", "2.25.1")]))
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.totals).toMatchObject({ succeeded: 1, warnings: 1 })
    expect(headers(hospital).map(({ error, state }) => [state, error])).toEqual([
      ["copied", "not a DICOM file: no DICM prefix after 128 bytes"],
      ["copied", "no Series Instance UID (0020,000E)"],
    ])
  })
})

describe("Images that are copied to be packed", () => {
  /** Copies everything and does something while what was kept is there. */
  const copyAndKeep = (hospital: Hospital, look: (kept: KeptFiles) => void) =>
    hospital.withDeps(async (deps) => {
      using kept = keptFiles(deps.receive.spool)
      const never = new AbortController().signal
      const { totals } = await copyStudies(
        { ...deps, kept },
        { concurrency: 4 },
        { requested: never, forced: never },
      )
      look(kept)
      return totals
    })

  /** The bytes of an image as they lie on this box. */
  function keptBytes(hospital: Hospital, kept: KeptFiles, study: Chest, position: number) {
    const [{ crc32c }] = hospital.rows<{ crc32c: string }>(
      `select crc32c from objects where study_id = '${study.studyId}' and position = ${position}`,
    ) as [{ crc32c: string }]
    using file = kept.use({ studyId: study.studyId, position }, crc32c)
    return file && new Uint8Array(readFileSync(file.path))
  }

  const spooled = (hospital: Hospital) => readdirSync(hospital.env.SPOOL_DIR!)

  test("stay on this box, small or large, and nothing else does", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    hospital.cloud.put(hospital.origin, study.imageKeys[1]!, dicomBody(2, 2 * MiB))
    await hospital.discover()
    await copyAndKeep(hospital, (kept) => {
      expect(spooled(hospital)).toHaveLength(2)
      expect(keptBytes(hospital, kept, study, 2)).toEqual(dicomBody(1, 400))
      expect(keptBytes(hospital, kept, study, 3)).toEqual(dicomBody(2, 2 * MiB))
    })
    expect(spooled(hospital)).toEqual([])
  })

  test("do not stay when they could not be copied", async () => {
    using hospital = await openHospital()
    const { cloud, origin, destination } = hospital
    const study = await hospital.admit()
    cloud.put(origin, study.imageKeys[0]!, dicomBody(1, 2 * MiB))
    cloud.put(destination, study.imageKeys[0]!, dicomBody(9, 2 * MiB))
    await hospital.discover()
    await copyAndKeep(hospital, () => expect(spooled(hospital)).toEqual([]))
  })

  test("give way to those that come, and all are copied, where the spool holds two of them", async () => {
    using hospital = await openHospital()
    hospital.env.SPOOL_BYTES = "4 MiB"
    const studies = await Promise.all([1, 2, 3].map(() => hospital.admit({ images: [{}, {}, {}] })))
    const bodies = studies.flatMap(({ imageKeys }, s) =>
      imageKeys.map((key, n) => [key, dicomBody(1 + 3 * s + n, 1.5 * MiB + 2 * n)] as const),
    )
    for (const [key, bytes] of bodies) hospital.cloud.put(hospital.origin, key, bytes)
    await hospital.discover()
    const totals = await copyAndKeep(hospital, () => {
      const sizes = spooled(hospital).map((name) => statSync(join(hospital.env.SPOOL_DIR!, name)).size)
      expect(sizes.length).toBe(2)
    })
    expect(totals).toMatchObject({ succeeded: 3, dicom_files_uploaded: 9 })
    for (const [key, bytes] of bodies) expect(storedAt(hospital, key)).toEqual(bytes)
    expect(spooled(hospital)).toEqual([])
  })
})
