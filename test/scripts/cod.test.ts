import { afterAll, describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { changedSeries } from "../cod/changed-series.ts"
import { openGolden } from "../cod/golden-bucket.ts"
import { sha256 } from "../cod/golden-series.ts"
import { noise } from "../contract/bodies.ts"
import { type GoldenCase, goldenCase } from "../support/golden.ts"
import { type Finished, PROJECT_ROOT, runScript } from "../support/process.ts"
import { documentOf } from "../support/scripts.ts"
import { tempDir } from "../support/temp.ts"

const bucket = await openGolden()
afterAll(() => bucket.stop())

/** The whole environment: no ledger, no database. */
const ENV = {
  STORAGE_EMULATOR_HOST: bucket.cloud.url,
  AWS_ENDPOINT_URL: bucket.cloud.url,
  AWS_ACCESS_KEY_ID: "key",
  AWS_SECRET_ACCESS_KEY: "secret-of-the-key",
  AWS_REGION_NAME: "us-east-1",
}

const cod = (...words: string[]): Promise<Finished> => runScript(["scripts/cod.ts", ...words], { env: ENV })

/** Bytes on standard output, which are no text. */
async function bytesOf(...words: string[]): Promise<{ exitCode: number; bytes: Uint8Array; stderr: string }> {
  const child = Bun.spawn({
    cmd: [process.execPath, "--no-env-file", "scripts/cod.ts", ...words],
    cwd: PROJECT_ROOT,
    env: { PATH: process.env.PATH, ...ENV },
    stdout: "pipe",
    stderr: "pipe",
  })
  const [bytes, stderr, exitCode] = await Promise.all([
    child.stdout.bytes(),
    child.stderr.text(),
    child.exited,
  ])
  return { exitCode, bytes, stderr }
}

const pathOf = ({ expected }: GoldenCase) => `studies/${expected.study_uid}/series/${expected.series_uid}`
const uriOf = (golden: GoldenCase) => `${golden.datastore}/${pathOf(golden)}`

const SEVERAL = goldenCase("several-instances")
const FRAMES = goldenCase("multiframe-native")
const [KEY, SECOND] = Object.keys(SEVERAL.expected.instances) as [string, string]

describe("cod ls", () => {
  test("of a datastore and of a study has every series with its instances, of a series its keys", async () => {
    const { expected, datastore } = SEVERAL
    const row = {
      uri: uriOf(SEVERAL),
      study_uid: expected.study_uid,
      series_uid: expected.series_uid,
      instances: 5,
      tar_bytes: expected.objects[`${pathOf(SEVERAL)}.tar`]!.size,
      metadata: "ok",
      locks: [],
      error_log: false,
    }
    expect(documentOf(await cod("ls", datastore, "--json"))).toEqual([row])
    expect(documentOf(await cod("ls", `${datastore}/studies/${expected.study_uid}/`, "--json"))).toEqual([
      row,
    ])
    const instances: { key: string; transfer_syntax: string; frames: number }[] = documentOf(
      await cod("ls", uriOf(SEVERAL), "--json"),
    )
    expect(instances.map(({ key }) => key)).toEqual([...expected.order])
    for (const { key, transfer_syntax, frames } of instances) {
      expect(transfer_syntax).toBe(expected.instances[key]!.transfer_syntax)
      expect(frames).toBe(1)
    }
  })

  test("counts in words, and remarks what stands in the way", async () => {
    const hanging = goldenCase("hanging-gradient-lock")
    const { exitCode, stdout, stderr } = await cod("ls", hanging.datastore)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
    expect(stdout).toContain(".gradient.lock")
    expect(stdout).toEndWith("1 study, 1 series, 1 instance, 10 kB\n")
  })

  test("tells series whose metadata is missing or cannot be read from the others", async () => {
    await using missing = await changedSeries(SEVERAL)
    await using unreadable = await changedSeries(SEVERAL)
    await missing.remove(missing.keys.metadata)
    await unreadable.put(unreadable.keys.metadata, new TextEncoder().encode("garbage"))
    const rows = await Promise.all(
      [missing, unreadable].map(async ({ store }) => documentOf(await cod("ls", store.uri, "--json"))),
    )
    expect(rows).toMatchObject([
      [{ instances: null, metadata: "missing" }],
      [{ instances: null, metadata: "unreadable" }],
    ])
  })
})

describe("cod info", () => {
  test("has numbers as numbers and transfer syntaxes as UIDs", async () => {
    const { exitCode, stdout, stderr } = await cod("info", uriOf(FRAMES), "--json")
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
    const sizes = Object.values(FRAMES.expected.instances).map(({ size }) => size)
    expect(JSON.parse(stdout)).toEqual({
      uri: uriOf(FRAMES),
      study_uid: FRAMES.expected.study_uid,
      series_uid: FRAMES.expected.series_uid,
      hashed_uids: false,
      instances: 3,
      unreadable: [],
      instance_bytes: sizes.reduce((sum, size) => sum + size, 0),
      tar_bytes: FRAMES.expected.objects[`${pathOf(FRAMES)}.tar`]!.size,
      frames: 10,
      with_pixel_data: 3,
      transfer_syntaxes: { "1.2.840.10008.1.2.1": 3 },
      metadata_versions: { "2.0": 3 },
      locks: [],
      error_log: null,
      thumbnails: [],
      described_thumbnail: null,
      fields: [],
    })
  })

  test("shows an error log, and is not stopped by it, by a lock or by a missing index", async () => {
    await using series = await changedSeries(goldenCase("error-log"))
    await series.remove(series.keys.index)
    await series.put(`${series.keys.folder}.cod.lock`, new Uint8Array(0))
    const { exitCode, stdout } = await cod("info", series.uri)
    expect(exitCode).toBe(0)
    expect(stdout).toContain("Traceback (most recent call last):\n")
    expect(stdout).toContain(".cod.lock")
    const [key] = Object.keys(goldenCase("error-log").expected.instances)
    expect((await bytesOf("cat", `${series.uri}#${key}`)).exitCode).toBe(0)
    expect((await cod("tags", `${series.uri}#${key}`)).exitCode).toBe(0)
  })
})

describe("cod cat", () => {
  for (const name of ["error-log", "hashed-uids", "transcoded-on-ingest", "v1-metadata"]) {
    test(`puts the bytes of ${name} on standard output, and nothing else there`, async () => {
      const golden = goldenCase(name)
      const [key, instance] = Object.entries(golden.expected.instances)[0]!
      const { exitCode, bytes, stderr } = await bytesOf("cat", `${uriOf(golden)}#${key}`)
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
      expect(sha256(bytes)).toBe(instance.sha256)
    })
  }

  test("--frame takes one frame, counted from 1; one beyond the end is an error that says how many there are", async () => {
    const [key, { frames_sha256 }] = Object.entries(FRAMES.expected.instances)[0]!
    const uri = `${uriOf(FRAMES)}#${key}`
    const frames = await Promise.all(["1", "5"].map((n) => bytesOf("cat", uri, "--frame", n)))
    expect(frames.map(({ bytes }) => sha256(bytes))).toEqual([frames_sha256![0]!, frames_sha256![4]!])
    const beyond = await cod("cat", uri, "--frame", "6")
    expect({ exitCode: beyond.exitCode, stdout: beyond.stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(beyond.stderr).toContain("Frames count from 1 to 5.")
  })

  test("with --json tells what the bytes are instead", async () => {
    const { size, crc32c, transfer_syntax, sha256: hash } = SEVERAL.expected.instances[KEY]!
    expect(documentOf(await cod("cat", `${uriOf(SEVERAL)}#${KEY}`, "--json"))).toEqual({
      uri: uriOf(SEVERAL),
      key: KEY,
      frame: null,
      frames: 1,
      transfer_syntax,
      size,
      crc32c,
      sha256: hash,
    })
  })

  test("writes not a byte of an instance that is damaged", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.changeTar((tar) => {
      tar[SEVERAL.expected.instances[KEY]!.start_byte + 700]! ^= 1
      return tar
    })
    const { exitCode, stdout, stderr } = await cod("cat", `${series.uri}#${KEY}`)
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(stderr).toContain("CRC32C")
    expect((await bytesOf("cat", `${series.uri}#${SECOND}`)).exitCode).toBe(0)
  })

  test("ends quietly when its reader leaves", async () => {
    await using series = await changedSeries(SEVERAL)
    const large = noise(8_000_000)
    await series.put(series.keys.tar, large)
    await series.changeMetadata(({ cod: document }) => {
      Object.assign(document.instances[KEY]!, { size: large.length, crc32c: crc32cBase64(large) })
      document.instances[KEY]!.headers = { start_byte: 0, end_byte: large.length }
    })
    const pipeline = `"$0" --no-env-file scripts/cod.ts cat "$1" | head -c 9; echo " \${PIPESTATUS[0]}"`
    const child = Bun.spawn(["bash", "-c", pipeline, process.execPath, `${series.uri}#${KEY}`], {
      cwd: PROJECT_ROOT,
      env: { PATH: process.env.PATH },
      stdout: "pipe",
      stderr: "pipe",
    })
    const [stdout, stderr] = await Promise.all([child.stdout.bytes(), child.stderr.text()])
    expect(Buffer.from(stdout.subarray(9)).toString()).toBe(" 0\n")
    expect(stdout.subarray(0, 9)).toEqual(large.subarray(0, 9))
    expect(stderr).toBe("")
  })

  test("takes a key as it stands, to the last character, and the URI of the tar's member", async () => {
    await using series = await changedSeries(SEVERAL)
    const odd = "50%25 #é a"
    await series.changeMetadata(({ cod: document }) => {
      document.instances = { [odd]: document.instances[KEY]! }
    })
    const hash = SEVERAL.expected.instances[KEY]!.sha256
    expect(sha256((await bytesOf("cat", `${series.uri}#${odd}`)).bytes)).toBe(hash)
    expect((await cod("cat", `${series.uri}#50% #é a`)).exitCode).toBe(1)
    const member = `${uriOf(SEVERAL)}.tar://instances/${KEY}.dcm`
    expect(sha256((await bytesOf("cat", member)).bytes)).toBe(hash)
  })
})

describe("from a bucket", () => {
  const { datastore } = bucket.put(SEVERAL)
  const { size, start_byte, sha256: hash } = SEVERAL.expected.instances[KEY]!
  const uri = `${datastore}/${pathOf(SEVERAL)}`

  test.each([["gs"], ["s3"]])("%s:// every verb reads the series", async (scheme) => {
    const there = uri.replace("gs://", `${scheme}://`)
    expect(documentOf(await cod("info", there, "--json")).instances).toBe(5)
    expect(documentOf(await cod("ls", there.split("/studies/")[0]!, "--json"))).toHaveLength(1)
    expect(documentOf(await cod("check", there, "--json"))).toMatchObject({ sound: true, findings: [] })
    expect(sha256((await bytesOf("cat", `${there}#${KEY}`)).bytes)).toBe(hash)
    expect(documentOf(await cod("tags", `${there}#${KEY}`, "00080018"))).toEqual({
      "00080018": { vr: "UI", Value: [KEY] },
    })
    using dir = tempDir()
    expect(documentOf(await cod("extract", there, dir.path, "--json")).written).toHaveLength(5)
  })

  test("an instance costs its own bytes and metadata.json", async () => {
    bucket.cloud.log.clear()
    await bytesOf("cat", `${uri}#${KEY}`)
    const tar = bucket.cloud.log.entries.filter(({ key }) => key?.endsWith(".tar"))
    expect(tar.map(({ bytesOut }) => bytesOut)).toEqual([size])
    expect(start_byte).toBeGreaterThan(0)
  })

  test.each([["gs"], ["s3"]])("%s:// whoever may read but not list reads the series", async (scheme) => {
    const { roles } = bucket.cloud
    roles.allow("anonymous", { [bucket.bucket]: ["storage.objects.get"] })
    roles.allow(
      { accessKeyId: ENV.AWS_ACCESS_KEY_ID, secretAccessKey: ENV.AWS_SECRET_ACCESS_KEY },
      { [bucket.bucket]: ["s3:GetObject"] },
    )
    using dir = tempDir()
    try {
      const there = uri.replace("gs://", `${scheme}://`)
      const calls = [
        ["info", there],
        ["check", there],
        ["cat", `${there}#${KEY}`],
        ["extract", there, dir.path],
      ]
      for (const words of calls) expect((await cod(...words)).stderr).toBe("")
      const refused = await cod("ls", there.split("/studies/")[0]!)
      expect(refused.exitCode).toBe(1)
      expect(refused.stderr).toContain("Check the credentials")
    } finally {
      roles.clear()
    }
  })

  test("that does not exist, the error says so", async () => {
    const { exitCode, stderr } = await cod("cat", `gs://no-such-bucket/${pathOf(SEVERAL)}#${KEY}`)
    expect(exitCode).toBe(1)
    expect(stderr).toContain("no-such-bucket")
    expect(stderr).toContain("Check the bucket's name")
  })
})

describe("cod tags", () => {
  test("prints all elements as one JSON document, whatever the metadata holds", async () => {
    await using series = await changedSeries(goldenCase("v1-metadata"))
    const [key] = Object.keys(goldenCase("v1-metadata").expected.instances)
    const elements =
      '{"00280008":{"vr":"IS","Value":[NaN]},"00189073":{"vr":"FD","Value":[-Infinity]},"7FE10001":{"vr":"UV","Value":[18446744073709551615]}}'
    const entry = (document: string) => document.replace('"METADATA"', elements)
    await series.changeMetadata(({ cod: document }) => {
      document.instances[key!]!.metadata = "METADATA"
    })
    const text = Buffer.from(
      Bun.gunzipSync(new Uint8Array(await series.bytes(series.keys.metadata))),
    ).toString()
    await series.put(series.keys.metadata, Bun.gzipSync(entry(text)))
    for (const words of [[], ["--json"]]) {
      const { exitCode, stdout } = await cod("tags", `${series.uri}#${key}`, ...words)
      expect(exitCode).toBe(0)
      expect(JSON.parse(stdout)).toEqual({
        "00189073": { vr: "FD", Value: [null] },
        "00280008": { vr: "IS", Value: [null] },
        "7FE10001": { vr: "UV", Value: [2 ** 64] },
      })
      expect(stdout).toContain("[18446744073709551615]")
    }
    expect((await cod("check", series.uri)).exitCode).toBe(0)
  })

  test("prints those that were asked for, in every way to write a tag, and says which are not there", async () => {
    const [key] = Object.keys(FRAMES.expected.instances)
    const uri = `${uriOf(FRAMES)}#${key}`
    const { stdout, stderr } = await cod(
      "tags",
      uri,
      "00280008",
      "0028,0010",
      "(0020,000d)",
      "0008,0018",
      "7fe1,0001",
    )
    expect(Object.keys(JSON.parse(stdout)).toSorted()).toEqual(
      ["0020000D", "00080018", "00280008", "00280010"].toSorted(),
    )
    expect(stderr).toContain("the instance does not have 7FE10001")
  })

  test("reads no DICOM file", async () => {
    await using series = await changedSeries(SEVERAL)
    await series.remove(series.keys.tar)
    expect(documentOf(await cod("tags", `${series.uri}#${KEY}`, "00080018"))).toHaveProperty("00080018")
  })
})

describe("cod extract", () => {
  test("writes every instance, and nothing when it is run again", async () => {
    using dir = tempDir()
    const folder = dir.file("new", "folder")
    const first = await cod("extract", uriOf(SEVERAL), folder)
    expect(first).toMatchObject({ exitCode: 0, stderr: "" })
    expect(first.stdout).toStartWith(`5 files written to ${folder}`)
    expect(readdirSync(folder).toSorted()).toEqual(
      Object.keys(SEVERAL.expected.instances)
        .map((key) => `${key}.dcm`)
        .toSorted(),
    )
    for (const [key, { sha256: hash }] of Object.entries(SEVERAL.expected.instances)) {
      expect(sha256(readFileSync(`${folder}/${key}.dcm`))).toBe(hash)
    }
    const again = await cod("extract", uriOf(SEVERAL), folder)
    expect(again.exitCode).toBe(0)
    expect(again.stdout).toBe(`0 files written to ${folder}, 0 B; 5 files there already\n`)
  })
})

test.each([
  ["a key that is not there", ["cat", `${uriOf(SEVERAL)}#${KEY}0`], `It has ${KEY}, `],
  ["a series that is not there", ["check", `${uriOf(SEVERAL)}1`], "The study has "],
])("%s ends with exit code 1, what there is, and nothing on standard output", async (_, words, hint) => {
  const { exitCode, stdout, stderr } = await cod(...words)
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
  expect(stderr).toContain(hint)
})

test("a check that finds an error ends with exit code 1, and its document", async () => {
  await using series = await changedSeries(SEVERAL)
  await series.remove(series.keys.tar)
  const { exitCode, stdout } = await cod("check", series.uri, "--json")
  expect(exitCode).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ sound: false, findings: [{ kind: "tar-missing" }] })
})

describe("wrong words", () => {
  const uri = uriOf(SEVERAL)
  test.each([
    [["info", `${uri}#${KEY}`], "use cat or tags"],
    [["cat", `${uri}#${KEY}`, "--frame", "0"], "--frame"],
    [["info", "./folder/studies/1/series/2"], `file://${PROJECT_ROOT}/folder/studies/1/series/2`],
  ])("%p are a usage error, exit code 2", async (words, hint) => {
    const { exitCode, stdout, stderr } = await cod(...words)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
    expect(stderr).toContain(hint)
  })
})
