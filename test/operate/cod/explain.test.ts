import { describe, expect, test } from "bun:test"
import { explain } from "../../../lib/support/failure.ts"
import { changedSeries } from "../../cod/changed-series.ts"
import { failureOf } from "../../contract/bodies.ts"
import { goldenCase } from "../../support/golden.ts"
import { verb } from "./started.ts"

const SEVERAL = goldenCase("several-instances")
const { study_uid, series_uid, instances: INSTANCES } = SEVERAL.expected
const URI = `${SEVERAL.datastore}/studies/${study_uid}/series/${series_uid}`
const [KEY, SECOND] = Object.keys(INSTANCES) as [string, string]

/** What a person reads when it ends. */
const complaint = async (...words: string[]) => explain(await failureOf(verb(words)))

describe("what is not there is told with what is:", () => {
  test.each([
    ["a key", ["cat", `${URI}#${KEY}0`], `It has ${KEY}, `],
    ["a key", ["tags", `${URI}#nothing`], " and 2 more."],
    ["a series", ["info", `${URI}1`], `The study has ${series_uid}.`],
    ["a series", ["check", `${URI}1`], `The study has ${series_uid}.`],
    ["a series", ["ls", `${URI}1`], `The study has ${series_uid}.`],
    ["a study", ["ls", `${SEVERAL.datastore}/studies/${study_uid}1`], `cod.ts ls ${SEVERAL.datastore} lists`],
    ["a study", ["cat", `${SEVERAL.datastore}/studies/1.2/series/3#4`], "nothing of study 1.2 either"],
    ["a datastore", ["ls", `${SEVERAL.datastore}/nothing`], "the folder studies/"],
  ])("%s, %p", async (_, words, hint) => {
    expect(await complaint(...words)).toContain(hint)
  })

  test("a key of a series whose keys are hashed", async () => {
    const { datastore, expected } = goldenCase("hashed-uids")
    const uri = `${datastore}/studies/${expected.study_uid}/series/${expected.series_uid}`
    const { instance_uid } = Object.values(expected.instances)[0]!
    expect(await complaint("cat", `${uri}#${instance_uid}`)).toContain("Its keys are hashed UIDs. It has ")
  })

  test("metadata beside a tar", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.remove(series.keys.metadata)
    expect(await complaint("info", series.uri)).toContain("it has index.sqlite, tar, but no metadata.json")
  })

  test("any instance at all", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.changeMetadata(({ cod }) => {
      cod.instances = {}
    })
    expect(await complaint("cat", `${series.uri}#${KEY}`)).toContain("It has no instances at all.")
  })
})

describe("what is damaged is told with the check that tells more:", () => {
  test("an entry that nobody understands, an instance with other bytes", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.changeMetadata(({ cod }) => {
      cod.instances[KEY]!.version = "7.0"
      cod.instances[SECOND]!.crc32c = "AAAAAA=="
    })
    for (const key of [KEY, SECOND]) {
      const said = await complaint("cat", `${series.uri}#${key}`)
      expect(said).toStartWith(`error: ${series.uri}#${key}: `)
      expect(said).toContain(`\n  bun scripts/cod.ts check ${series.uri} tells what else is damaged`)
    }
  })

  test("metadata that nobody can read", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.put(series.keys.metadata, new TextEncoder().encode("garbage"))
    expect(await complaint("info", series.uri)).toStartWith(`error: ${series.uri}/metadata.json: `)
  })
})
