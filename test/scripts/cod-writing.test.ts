import { afterAll, describe, expect, test } from "bun:test"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { CODObject, uidHashFunc } from "../../lib/cod/index.ts"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { changedSeries } from "../cod/changed-series.ts"
import { sha256 } from "../cod/golden-series.ts"
import { dicom, nth, SERIES, STUDY, uid } from "../cod/writing/files.ts"
import { goldenCase } from "../support/golden.ts"
import { type Finished, runScript, startScript } from "../support/process.ts"
import { documentOf, logOf } from "../support/scripts.ts"
import { tempDir } from "../support/temp.ts"

const cloud = await startCloud()
const dir = tempDir("cod-script")
afterAll(async () => {
  await cloud.stop()
  dir[Symbol.dispose]()
})

const ENV = { STORAGE_EMULATOR_HOST: cloud.url }

const cod = (...words: string[]): Promise<Finished> => runScript(["scripts/cod.ts", ...words], { env: ENV })

/** As `cod`, by a key for UIDs, or other settings. */
const codWith = (env: Record<string, string>, ...words: string[]): Promise<Finished> =>
  runScript(["scripts/cod.ts", ...words], { env: { ...ENV, ...env } })

/** Where series are written, and everything that is there, to the generation or the byte. */
interface Place {
  readonly datastore: string
  readonly series: string
  everything(): Record<string, string>
}

let count = 0

const PLACES: Readonly<Record<string, () => Place>> = {
  /** Without the store's notes on what is in it. */
  "a folder"() {
    const path = dir.file(`store-${++count}`)
    const files = () => readdirSync(path, { recursive: true, withFileTypes: true })
    return {
      ...named(pathToFileURL(path).href),
      everything() {
        const entries = files().filter((entry) => entry.isFile() && !entry.name.startsWith(".objects."))
        return Object.fromEntries(
          entries.map((entry) => {
            const file = join(entry.parentPath, entry.name)
            return [file, sha256(readFileSync(file))]
          }),
        )
      },
    }
  },
  "a bucket"() {
    const bucket = `cod-${++count}`
    cloud.createBucket(bucket)
    return {
      ...named(`gs://${bucket}/archive`),
      everything: () =>
        Object.fromEntries(
          cloud.keys(bucket).map((key) => [key, String(cloud.describe(bucket, key)!.generation)]),
        ),
    }
  },
}
const folder = PLACES["a folder"]!
const bucket = PLACES["a bucket"]!

const named = (datastore: string) => ({ datastore, series: `${datastore}/studies/${STUDY}/series/${SERIES}` })

/** A folder of DICOM files, each by the name that it is given. */
function sources(files: Record<string, Uint8Array | string>): string {
  const path = dir.file(`files-${++count}`)
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true })
    writeFileSync(join(path, name), bytes)
  }
  return path
}

const numbered = (...numbers: number[]) =>
  sources(Object.fromEntries(numbers.map((n) => [`${n}.dcm`, nth(n)])))

const keysOf = async (series: string): Promise<string[]> =>
  documentOf(await cod("ls", series, "--json")).map(({ key }: { key: string }) => key)

const isSound = async (series: string): Promise<boolean> =>
  documentOf(await cod("check", series, "--json")).sound

async function stored(place: Place, ...numbers: number[]): Promise<void> {
  expect(await cod("append", place.series, numbered(...numbers))).toMatchObject({ exitCode: 0, stderr: "" })
}

describe.each(Object.entries(PLACES))("in %s", (_, place) => {
  test("append puts the files of folders into their series, whatever else lies there, and does it once", async () => {
    const { datastore, series, everything } = place()
    const path = sources({
      "1.dcm": nth(1),
      "deep/down/2": nth(2),
      "other.dcm": dicom({ instance: uid(9), series: `${SERIES}.9` }),
      "notes.txt": "no DICOM",
      DICOMDIR: nth(3),
    })
    const first = await cod("append", datastore, path, "--json")
    expect(first).toMatchObject({ exitCode: 0, stderr: "" })
    expect(documentOf(first)).toMatchObject({
      series: [
        {
          uri: series,
          new: [
            { file: `${path}/1.dcm`, key: uid(1) },
            { file: `${path}/deep/down/2`, key: uid(2) },
          ],
        },
        { uri: `${series}.9`, new: [{ key: uid(9) }] },
      ],
      refused: [],
      unreadable: [],
      skipped: [
        { file: `${path}/DICOMDIR`, why: "it is the directory of a medium" },
        { file: `${path}/notes.txt`, why: "it is no DICOM file" },
      ],
    })
    expect(await isSound(series)).toBeTrue()
    expect(sha256(readFileSync(`${path}/1.dcm`))).toBe(
      documentOf(await cod("cat", `${series}#${uid(1)}`, "--json")).sha256,
    )

    const before = everything()
    const again = await cod("append", datastore, path)
    expect(again.exitCode).toBe(0)
    expect(again.stdout).toEndWith("0 instances stored, 3 there already, 2 files passed over\n")
    expect(everything()).toEqual(before)
  })

  test("what is appended, removed, kept and said of a series is so, and a check finds it sound", async () => {
    const at = place()
    const { series } = at
    await stored(at, 1, 2, 3, 4)
    expect(documentOf(await cod("remove", series, uid(2), "--json"))).toEqual({
      uri: series,
      dry_run: false,
      changed: true,
      removed: [uid(2)],
      instances: 3,
    })
    expect((await cod("field", series, "note", '{"n": 12345678901234567890}')).exitCode).toBe(0)
    const kept = await cod("truncate", series, uid(1), uid(4))
    expect(kept).toMatchObject({ exitCode: 0, stderr: "" })
    expect(kept.stdout).toEndWith("1 instance removed, 2 left\n")
    expect((await keysOf(series)).toSorted()).toEqual([uid(1), uid(4)])
    expect((await cod("field", series, "note")).stdout).toBe('{"n": 12345678901234567890}\n')
    expect(await isSound(series)).toBeTrue()
    expect((await cod("field", series, "note", "--remove")).exitCode).toBe(0)
    expect((await cod("field", series, "note")).exitCode).toBe(1)
  })

  test("who finds a lock is told whose it is and since when, and nothing is written", async () => {
    const at = place()
    const { series, everything } = at
    await stored(at, 1, 2)
    const gcs = { emulatorUrl: cloud.url }
    await using held = await CODObject.fromUri(series, { lock: true, access: { gcs } })
    const before = everything()
    const { generation } = held.lock!.held[0]!
    for (const words of [
      ["append", series, numbered(3)],
      ["append", series, numbered(3), "--dry-run"],
      ["remove", series, uid(1)],
      ["remove", series, uid(1), "--dry-run"],
      ["truncate", series, uid(1)],
      ["field", series, "note", "1"],
    ]) {
      const { exitCode, stdout, stderr } = await cod(...words)
      expect(exitCode).toBe(1)
      expect(stdout + stderr).toContain(`.cod.lock is held by cod/`)
      expect(stdout + stderr).toContain(`, process ${process.pid} on `)
      expect(stdout + stderr).toContain(`cod.ts unlock ${series} --generation ${generation} --why TEXT`)
    }
    expect(everything()).toEqual(before)
    expect((await cod("append", series, numbered(1, 2))).exitCode).toBe(0)
    await held.release()
    expect((await cod("remove", series, uid(1))).exitCode).toBe(0)
  })
})

test("a dry run says what would be done, and writes nothing", async () => {
  const at = folder()
  const { datastore, series, everything } = at
  await stored(at, 1, 2)
  await cod("field", series, "note", "1", "--metadata-version", "1.0")
  const before = everything()
  const more = numbered(1, 3)
  const said = [
    [["append", series, more], "1 instance would be stored, 1 there already; nothing was written"],
    [["append", datastore, more], "1 instance would be stored, 1 there already; nothing was written"],
    [["remove", series, uid(1)], "1 instance would go, 1 would be left; nothing was written"],
    [["truncate", series, uid(1)], "1 instance would go, 1 would be left; nothing was written"],
    [["upgrade", series], "2 entries would become version 2.0; nothing was written"],
    [["repair", series], "nothing to do: the series is sound"],
    [["field", series, "note", "2"], "note would be set to 2, it is 1; nothing was written"],
    [["field", series, "note", "--remove"], "note would be removed, it is 1; nothing was written"],
    [["error-log", series, "--message", "wrong"], "would have an error log; nothing was written"],
  ] as const
  for (const [words, end] of said) {
    const { exitCode, stdout, stderr } = await cod(...words, "--dry-run")
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
    expect(stdout).toEndWith(`${end}\n`)
  }
  expect(everything()).toEqual(before)
})

test("an error log keeps writers out until it is cleared", async () => {
  const at = folder()
  const { series } = at
  await stored(at, 1)
  expect((await cod("error-log", series)).stdout).toEndWith("there is no error log\n")
  expect((await cod("error-log", series, "--message", "wrong\x1b[2J")).exitCode).toBe(0)
  expect((await cod("error-log", series)).stdout).toBe("wrong\\x1b[2J\n")
  for (const words of [
    ["append", series, numbered(2)],
    ["remove", series, uid(1)],
    ["remove", series, uid(1), "--dry-run"],
    ["repair", series],
    ["error-log", series, "--message", "again"],
  ]) {
    const { exitCode, stdout, stderr } = await cod(...words)
    expect(exitCode).toBe(1)
    expect(stdout + stderr).toContain(`${series} has an error log`)
    expect(stdout + stderr).toContain(`cod.ts error-log ${series} tells why`)
  }
  expect(documentOf(await cod("error-log", series, "--clear", "--json"))).toMatchObject({
    changed: true,
    error_log: "wrong\x1b[2J\n",
  })
  expect((await cod("error-log", series, "--clear")).stdout).toContain("nothing to do")
  expect((await cod("remove", series, uid(1))).exitCode).toBe(0)
})

describe("two at once", () => {
  test("on one series that is new: whoever comes too late is refused, and all is there that was said to be", async () => {
    const { series } = folder()
    const both = await Promise.all([1, 2].map((n) => cod("append", series, numbered(n), "--json")))
    const told = both.map(documentOf)
    const done = [1, 2].filter((n, index) => told[index].series[0]?.new[0]?.key === uid(n))
    expect(done.length).toBeGreaterThan(0)
    for (const [index, { exitCode }] of both.entries()) {
      expect(exitCode).toBe(done.includes(index + 1) ? 0 : 1)
      if (exitCode === 1) expect(told[index].refused[0].why).toMatch(/held by/)
    }
    expect((await keysOf(series)).toSorted()).toEqual(done.map(uid))
    expect(await isSound(series)).toBeTrue()
  })
})

describe("a writer that is killed", () => {
  test("leaves a lock that info describes and unlock breaks; repair takes in what it had stored", async () => {
    const at = bucket()
    const { series } = at
    await stored(at, 1, 2)
    // Asked for when the tar is stored, to put the index in its place.
    const stalled = cloud.fail({ operation: "gcs.get", key: "*index.sqlite", fault: { kind: "stall" } })
    await using writer = startScript(["scripts/cod.ts", "append", series, numbered(3)], { env: ENV })
    await stalled.reached()
    writer.kill("SIGKILL")
    await writer.finished
    cloud.heal()

    const { locks, instances } = documentOf(await cod("info", series, "--json"))
    expect(locks).toMatchObject([
      { name: ".cod.lock", pid: writer.pid, holder_has_ended: true },
      { name: ".gradient.lock", pid: writer.pid, holder_has_ended: true },
    ])
    expect(instances).toBe(2)
    const [{ generation }] = locks
    const told = await cod("info", series)
    expect(told.stdout).toContain(`cod.ts unlock ${series} --generation ${generation} --why TEXT`)
    const kinds = documentOf(await cod("check", series, "--json")).findings.map(
      ({ kind }: { kind: string }) => kind,
    )
    expect(kinds).toContain("locked")
    expect(kinds).toContain("orphan")
    expect((await cod("repair", series)).stderr).toContain("(that process has ended)")

    const wrong = await cod("unlock", series, "--generation", `${generation}0`, "--why", "a test")
    expect({ exitCode: wrong.exitCode, stdout: wrong.stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(wrong.stderr).toContain(`has no lock of generation ${generation}0`)
    const rehearsed = await cod("unlock", series, "--generation", generation, "--why", "a test", "--dry-run")
    expect(rehearsed.stdout).toContain(`, process ${writer.pid} on `)
    expect(documentOf(await cod("info", series, "--json")).locks).toHaveLength(2)
    const unlocked = await cod("unlock", series, "--generation", generation, "--why", "killed by a test")
    expect(unlocked.exitCode).toBe(0)
    expect(unlocked.stdout).toContain(`, process ${writer.pid} on `)
    expect(logOf(unlocked)).toMatchObject([
      { level: "WARNING", msg: "breaks a lock", why: "killed by a test", lock: { name: ".cod.lock" } },
      { level: "WARNING", msg: "breaks a lock", why: "killed by a test", lock: { name: ".gradient.lock" } },
    ])
    expect((await cod("unlock", series, "--generation", generation, "--why", "once more")).stdout).toContain(
      "nothing to do",
    )

    expect(documentOf(await cod("repair", series, "--json"))).toMatchObject({
      changed: true,
      found: [uid(3)],
    })
    expect((await keysOf(series)).toSorted()).toEqual([1, 2, 3].map(uid))
    expect(documentOf(await cod("check", series, "--json"))).toMatchObject({ sound: true, findings: [] })
  })

  test("before anything was stored: whoever asks for the series is told of its lock", async () => {
    const { series } = bucket()
    const stalled = cloud.fail({ operation: "gcs.get", key: "*/.cod.lock", fault: { kind: "stall" } })
    await using writer = startScript(["scripts/cod.ts", "append", series, numbered(1)], { env: ENV })
    await stalled.reached()
    writer.kill("SIGKILL")
    await writer.finished
    const { exitCode, stderr } = await cod("info", series)
    cloud.heal()
    expect(exitCode).toBe(1)
    expect(stderr).toContain("Its holder has ended, unless it was handed on: bun scripts/cod.ts unlock")
  })

  test("by a signal that asks: what has begun is stored, and the lock is given back", async () => {
    const { datastore, series } = bucket()
    const path = sources({ "1.dcm": nth(1), "9.dcm": dicom({ instance: uid(9), series: `${SERIES}.9` }) })
    const stalled = cloud.fail({ operation: "gcs.get", key: "*/.cod.lock", fault: { kind: "stall" } })
    await using writer = startScript(["scripts/cod.ts", "append", datastore, path, "--json"], { env: ENV })
    await stalled.reached()
    writer.kill("SIGTERM")
    stalled.release()
    const finished = await writer.finished
    expect(finished.exitCode).toBe(143)
    expect(documentOf(finished)).toMatchObject({
      series: [{ uri: series, new: [{ key: uid(1) }] }],
      not_begun: 1,
    })
    expect(documentOf(await cod("info", series, "--json")).locks).toEqual([])
  })
})

describe("hashed UIDs", () => {
  const KEY = { UID_HASH_KEY: "a key that nobody knows" }
  const hash = uidHashFunc(KEY.UID_HASH_KEY)

  test("name paths and keys of series that are made; files and tags keep the real ones, and info says so", async () => {
    const { datastore } = folder()
    const hashed = `${datastore}/studies/${hash(STUDY)}/series/${hash(SERIES)}`
    const path = numbered(1, 2)
    expect(documentOf(await codWith(KEY, "append", datastore, path, "--json"))).toMatchObject({
      series: [{ uri: hashed, new: [{ key: hash(uid(1)) }, { key: hash(uid(2)) }] }],
    })
    const { stdout } = await cod("info", hashed)
    expect(stdout).toContain("hashed in paths and keys, real in tags and pixels: not de-identified")
    const tags = documentOf(await cod("tags", `${hashed}#${hash(uid(1))}`, "00080018", "0020000d"))
    expect(tags).toEqual({
      "00080018": { vr: "UI", Value: [uid(1)] },
      "0020000D": { vr: "UI", Value: [STUDY] },
    })
    expect((await codWith(KEY, "append", hashed, path, numbered(3))).stdout).toEndWith(
      "1 instance stored, 2 there already\n",
    )
    expect(await isSound(hashed)).toBeTrue()
  })

  test("and real ones do not mix: a series that has the others is refused before it is read", async () => {
    const { datastore, series } = folder()
    await cod("append", datastore, numbered(1))
    await codWith(KEY, "append", datastore, numbered(1))
    const withKey = await codWith(KEY, "append", series, numbered(2))
    expect(withKey.exitCode).toBe(2)
    expect(withKey.stderr).toContain("has real UIDs, and UID_HASH_KEY is set")
    const hashed = `${datastore}/studies/${hash(STUDY)}/series/${hash(SERIES)}`
    const without = await cod("append", hashed, numbered(2))
    expect(without.exitCode).toBe(2)
    expect(without.stderr).toContain("Set UID_HASH_KEY to the key by which they were hashed.")
  })

  test("a key that is short is refused, and never printed", async () => {
    const { exitCode, stderr } = await codWith({ UID_HASH_KEY: "short-key" }, "ls", folder().datastore)
    expect(exitCode).toBe(2)
    expect(stderr).toContain("UID_HASH_KEY (value hidden)")
    expect(stderr).not.toContain("short-key")
  })

  test("are no de-identification, --help says", async () => {
    const { stdout } = await cod("--help")
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(
      "cover paths and keys only: tags, pixels and the three UID keys of each instance keep the original. It is not de-identification.",
    )
  })
})

describe("what is not stored", () => {
  test("is told with why, file by file, and keeps nothing else out", async () => {
    const at = folder()
    await stored(at, 1)
    const path = sources({
      "conflict.dcm": dicom({ instance: uid(1), comment: "other" }),
      "cut.dcm": nth(2).subarray(0, 300),
      "foreign.dcm": dicom({ instance: uid(3), series: `${SERIES}.9` }),
      "good.dcm": nth(4),
    })
    const { exitCode, stdout } = await cod("append", at.series, path, "--json")
    expect(exitCode).toBe(1)
    const { series, unreadable } = JSON.parse(stdout)
    expect(series).toMatchObject([
      {
        new: [{ key: uid(4) }],
        same: [],
        conflict: [{ file: `${path}/conflict.dcm`, key: uid(1) }],
        errors: [{ file: `${path}/foreign.dcm` }],
      },
    ])
    expect(series[0].errors[0].why).toContain(`it is of series ${SERIES}.9`)
    expect(unreadable).toMatchObject([{ file: `${path}/cut.dcm` }])
    expect((await keysOf(at.series)).toSorted()).toEqual([uid(1), uid(4)])
  })

  test("a file that is named is taken for DICOM, whatever it is", async () => {
    const { series } = folder()
    const path = sources({ "notes.txt": "no DICOM" })
    const { exitCode, stdout } = await cod("append", series, `${path}/notes.txt`)
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^not stored .*\n.*notes\.txt {2}\S/)
    expect((await cod("append", series, path)).exitCode).toBe(0)
  })

  test("instances of other stores are read from there, as objects and as members of tars", async () => {
    const [from, to] = [bucket(), folder()]
    await stored(from, 1)
    const name = from.datastore.slice("gs://".length).split("/")[0]!
    cloud.put(name, "incoming/2.dcm", nth(2))
    const words = [`${from.series}.tar://instances/${uid(1)}.dcm`, `gs://${name}/incoming/2.dcm`]
    expect(await cod("append", to.datastore, ...words)).toMatchObject({ exitCode: 0, stderr: "" })
    expect((await keysOf(to.series)).toSorted()).toEqual([uid(1), uid(2)])
    const missing = await cod("append", to.series, `gs://${name}/incoming/3.dcm`)
    expect(missing.exitCode).toBe(1)
    expect(missing.stdout).toContain("incoming/3.dcm")
  })
})

describe("repair and upgrade", () => {
  test("metadata that are gone are made of the tar", async () => {
    await using series = await changedSeries(goldenCase("several-instances"))
    await series.remove(series.keys.metadata)
    await series.remove(series.keys.index)
    expect((await cod("info", series.uri)).stderr).toContain(`cod.ts repair ${series.uri} makes the metadata`)
    const added = await cod("append", series.uri, numbered(1))
    expect(added.exitCode).toBe(1)
    expect(added.stdout).toContain("it has tar, but no metadata.json")
    expect(added.stdout).toContain(`cod.ts repair ${series.uri} makes the metadata`)
    const { exitCode, stdout } = await cod("repair", series.uri)
    expect(exitCode).toBe(0)
    expect(stdout).toEndWith("written anew: index, metadata\n")
    expect(await isSound(series.uri)).toBeTrue()
    expect((await cod("repair", series.uri)).stdout).toEndWith("nothing to do: the series is sound\n")
  })

  test("an instance whose bytes are lost is given up only when that is said", async () => {
    const golden = goldenCase("several-instances")
    const [key, { start_byte }] = Object.entries(golden.expected.instances)[0]!
    await using series = await changedSeries(golden)
    await series.changeTar((tar) => {
      tar.fill(0, start_byte, start_byte + 200)
      return tar
    })
    const rehearsed = await cod("repair", series.uri, "--dry-run", "--json")
    expect(rehearsed.exitCode).toBe(1)
    expect(documentOf(rehearsed)).toMatchObject({ changed: true, kept: 4, lost: [{ key }] })
    const refused = await cod("repair", series.uri)
    expect({ exitCode: refused.exitCode, stdout: refused.stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(refused.stderr).toContain("the bytes of 1 instance are lost, such as")
    expect(refused.stderr).toContain("--drop-lost")
    expect(documentOf(await cod("info", series.uri, "--json"))).toMatchObject({ instances: 5, locks: [] })
    const { exitCode, stdout } = await cod("repair", series.uri, "--drop-lost")
    expect(exitCode).toBe(0)
    expect(stdout).toContain("metadata.before-repair-")
    expect(documentOf(await cod("info", series.uri, "--json"))).toMatchObject({ instances: 4 })
    expect(await isSound(series.uri)).toBeTrue()
  })

  test("metadata of version 1.0 become 2.0, once", async () => {
    await using series = await changedSeries(goldenCase("v1-metadata"))
    const versions = async () => documentOf(await cod("info", series.uri, "--json")).metadata_versions
    expect(Object.keys(await versions())).toEqual(["1.0"])
    expect((await cod("upgrade", series.uri)).exitCode).toBe(0)
    expect(Object.keys(await versions())).toEqual(["2.0"])
    expect((await cod("upgrade", series.uri)).stdout).toEndWith(
      "nothing to do, all entries are of version 2.0\n",
    )
    const words = ["field", series.uri, "note", "1"]
    expect((await codWith({ COD_METADATA_VERSION: "1.0" }, ...words)).exitCode).toBe(0)
    expect(Object.keys(await versions())).toEqual(["1.0"])
  })
})

describe("locks by other names", () => {
  test("are those that are taken, and known ones are looked for nevertheless", async () => {
    const at = folder()
    await stored(at, 1, 2)
    await using held = await CODObject.fromUri(at.series, { lock: true, lockNames: [".gradient.lock"] })
    const flag = await cod("remove", at.series, uid(1), "--lock-names", ".cod.lock")
    expect(flag.exitCode).toBe(1)
    expect(flag.stderr).toContain(".gradient.lock is held by cod/")
    const variable = await codWith({ COD_LOCK_NAMES: ".cod.lock" }, "remove", at.series, uid(1))
    expect(variable.stderr).toContain(".gradient.lock is held by cod/")
    await held.release()
    expect((await cod("remove", at.series, uid(1), "--lock-names", ".mine.lock")).exitCode).toBe(0)
  })
})

test.each([
  [["--lock-names", "lock"], "--lock-names: expected names like .cod.lock"],
  [["--metadata-version", "3.0"], "--metadata-version: expected one of 2.0, 1.0"],
])("%p is a usage error", async (words, why) => {
  const { exitCode, stdout, stderr } = await cod("remove", named("file:///nowhere").series, "1", ...words)
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
  expect(stderr).toContain(why)
})

test("a store that refuses ends it: what was stored is told, the rest is left for another time", async () => {
  const { datastore, series } = bucket()
  const others = [1, 2].map((n) => dicom({ instance: uid(n + 8), series: `${SERIES}.${n}` }))
  const path = sources({ "0.dcm": nth(1), "1.dcm": others[0]!, "2.dcm": others[1]! })
  // Two locks, tar, index and metadata; a lock, and the next.
  using denied = cloud.fail({ operation: "gcs.insert", nth: 7, fault: { kind: "status", status: 403 } })
  const { exitCode, stdout } = await cod("append", datastore, path, "--json")
  expect(denied.hits).toBe(1)
  expect(exitCode).toBe(1)
  const { series: done, refused, not_begun } = JSON.parse(stdout)
  expect(done).toMatchObject([{ uri: series, new: [{ key: uid(1) }] }])
  expect(refused).toMatchObject([{ uri: `${series}.1`, files: [`${path}/1.dcm`] }])
  expect(refused[0].why).toContain("403")
  expect(not_begun).toBe(1)
  expect((await cod("append", datastore, path)).stdout).toEndWith("2 instances stored, 1 there already\n")
})

test("what is refused under the lock, because somebody was quicker, gives the lock back", async () => {
  const at = bucket()
  const { series } = at
  await stored(at, 1, 2)
  // It has seen that the instance is there, and is about to lock the series.
  const locking = cloud.fail({ operation: "gcs.insert", fault: { kind: "stall" } })
  await using slow = startScript(["scripts/cod.ts", "remove", series, uid(1)], { env: ENV })
  await locking.reached()
  const quick = await cod("remove", series, uid(1))
  locking.release()
  const { exitCode, stderr } = await slow.finished
  expect([quick.exitCode, exitCode]).toEqual([0, 1])
  expect(stderr).toContain(`has no instance with the key "${uid(1)}"\n  It has ${uid(2)}.`)
  expect(documentOf(await cod("info", series, "--json"))).toMatchObject({ instances: 1, locks: [] })
})
