import { expect, test } from "bun:test"
import { nth, SERIES, STUDY } from "../../cod/writing/files.ts"
import { openHospital } from "../../support/hospital.ts"
import { documentOf, script } from "../../support/scripts.ts"

const FOLDER = `cod/dicomweb/studies/${STUDY}/series/${SERIES}/`

test("A series that somebody else has locked is told, released by hand, and packed by the next run", async () => {
  using hospital = await openHospital()
  const { cloud, destination } = hospital
  const study = await hospital.admit({ images: [{}] })
  cloud.put(hospital.origin, study.imageKeys[0]!, nth(1))
  cloud.put(destination, `${FOLDER}.gradient.lock`, Buffer.from("{}"))
  expect((await script(hospital, "run")).exitCode).toBe(1)

  const { locks } = documentOf(await script(hospital, "locks", "list", "--json"))
  expect(locks).toMatchObject([{ state: "foreign", owner: "the Python package cloud-optimized-dicom" }])
  const [{ series_uri: uri, generations }] = locks
  const generation = generations[".gradient.lock"]
  expect((await script(hospital, "locks", "check")).exitCode).toBe(0)
  expect(documentOf(await script(hospital, "locks", "check", "--all", "--json")).foreign).toHaveLength(1)

  const release = (...words: string[]) => script(hospital, "locks", "release", uri, ...words)
  expect((await release()).exitCode).toBe(2)
  expect((await release("--why", "mine")).stderr).toContain(`--generation ${generation}`)
  const named = ["--why", "nobody works there", "--generation", generation]
  expect(documentOf(await release(...named, "--dry-run", "--json"))).toMatchObject({ dry_run: true })
  expect(cloud.keys(destination)).toContain(`${FOLDER}.gradient.lock`)
  expect((await release(...named)).exitCode).toBe(0)
  expect(cloud.keys(destination)).not.toContain(`${FOLDER}.gradient.lock`)

  expect((await script(hospital, "locks", "list")).stdout).toBe("No lock is held, and none is left.\n")
  expect((await script(hospital, "locks", "adopt")).stdout).toBe("No lock is unfinished.\n")
  expect((await script(hospital, "ingest")).exitCode).toBe(0)
  expect(cloud.keys(destination)).toContain(`${FOLDER}metadata.json`)
})

test.each([[[]], [["brake"]], [["list", "more"]], [["release"]]])(
  "Words that are wrong are told: %j",
  async (words) => {
    using hospital = await openHospital()
    const ended = await script(hospital, "locks", ...words)
    expect(ended.exitCode).toBe(2)
    expect(ended.stderr).not.toBe("")
  },
)
