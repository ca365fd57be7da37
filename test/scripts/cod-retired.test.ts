import { expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { uidHashFunc } from "../../lib/cod/index.ts"
import { openHospital } from "../support/hospital.ts"
import { script } from "../support/scripts.ts"

test.each([undefined, "a long random text for hashing UIDs"])(
  "cod check tells which instances the database lists no longer, and leaves them where they are (key: %s)",
  async (key) => {
    using hospital = await openHospital()
    if (key !== undefined) hospital.env.UID_HASH_KEY = key
    const study = await hospital.admit({ images: [{}, {}] })
    await hospital.run()
    const hash = key === undefined ? (uid: string) => uid : uidHashFunc(key)
    const uri = `gs://${hospital.destination}/cod/dicomweb/studies/${hash("2.25.1")}/series/${hash("2.25.2")}`
    const before = await script(hospital, "cod", "check", uri)
    expect(before.stdout).toContain("2 instances: sound")
    const gone = study.rows.pacs_images[1]!.id
    await hospital.pacs.sql`delete from pacs_images where id = ${gone}`
    await hospital.run()
    const after = await script(hospital, "cod", "check", uri)
    expect(after.exitCode).toBe(0)
    expect(after.stdout).toContain(`#${hash("2.25.320400")}`)
    expect(after.stdout).toContain(`the database lists it no longer (study ${study.studyId})`)
    expect(after.stdout).toContain("2 instances: sound, 1 note")
    // It needs no ledger, and none that can be read.
    writeFileSync(hospital.ledgerPath, "no ledger")
    const blind = await script(hospital, "cod", "check", uri)
    expect(blind.exitCode).toBe(0)
    expect(blind.stdout).toContain("2 instances: sound")
  },
)
