import { describe, expect, test } from "bun:test"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import sharp from "sharp"
import { seriesUri } from "../../../lib/cod/index.ts"
import { phantomDicom } from "../../../lib/demo/phantom.ts"
import { pinDatastore } from "../../../lib/ledger/cod/datastore.ts"
import { packedPlaces } from "../../../lib/operate/cod/contact-sheet/packed-places.ts"
import { spread } from "../../../lib/operate/cod/contact-sheet/stills.ts"
import { NotThere } from "../../../lib/operate/cod/explain.ts"
import type { CodStart } from "../../../lib/operate/cod/start.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { explain } from "../../../lib/support/failure.ts"
import { changedSeries } from "../../cod/changed-series.ts"
import { failureOf } from "../../contract/bodies.ts"
import { type GoldenCase, goldenCase, goldenCases } from "../../support/golden.ts"
import { type TestLedger, testLedger } from "../../support/ledger.ts"
import { copied, header, pack, packingLedger } from "../../support/packing-ledger.ts"
import { type TempDir, tempDir } from "../../support/temp.ts"
import { verb } from "./started.ts"

const JPG = goldenCase("thumbnail-jpg")
const MP4 = goldenCase("thumbnail-mp4")
const FRAMES = goldenCase("multiframe-native")

const uriOf = ({ datastore, expected }: GoldenCase) =>
  `${datastore}/studies/${expected.study_uid}/series/${expected.series_uid}`

interface Report {
  readonly series: number
  readonly from_thumbnails: number
  readonly drawn: number
  readonly left_out: number
  readonly without_picture: readonly {
    readonly uri: string
    readonly why: string
    readonly broken: boolean
  }[]
}

/** A sheet of these words, and what was said of it. */
async function sheetOf(
  words: readonly string[],
  { name = "sheet.html", limit }: { name?: string; limit?: number } = {},
) {
  using dir = tempDir()
  const out = dir.file(name)
  const said = await verb<Report>(["contact-sheet", ...words], { out, limit })
  expect(readdirSync(dir.path)).toEqual([name])
  return { ...said, bytes: readFileSync(out) }
}

/** What a page has, as a parser of HTML sees it. */
async function pageOf(html: Uint8Array) {
  const attributes: { readonly tag: string; readonly name: string; readonly value: string }[] = []
  const open: string[] = []
  const tiles: string[] = []
  const parser = new HTMLRewriter()
    .on("*", {
      element(element) {
        for (const [name, value] of element.attributes) attributes.push({ tag: element.tagName, name, value })
        if (!element.canHaveContent) return
        open.push(element.tagName)
        element.onEndTag(({ name }) => expect(name).toBe(open.pop()!))
      },
    })
    .on("li", { element: () => void tiles.push("") })
    .on("li", {
      text({ text }) {
        tiles[tiles.length - 1] += text
      },
    })
  await parser.transform(new Response(html)).text()
  expect(open).toEqual([])
  const valuesOf = (wanted: string) =>
    attributes.filter(({ name }) => name === wanted).map(({ value }) => value)
  return { tags: new Set(attributes.map(({ tag }) => tag)), attributes, valuesOf, tiles }
}

const jpegs = (sources: readonly string[]) =>
  sources.map((source) => Buffer.from(source.replace(/^data:image\/jpeg;base64,/, ""), "base64"))

describe("a sheet as HTML", () => {
  const cases = goldenCases()
  const datastores = cases.map(({ datastore }) => datastore)

  test("shows each series once, in the order of the words, and asks nobody for anything", async () => {
    const { bytes, document, exitCode, progress } = await sheetOf([...datastores, uriOf(cases[0]!)])
    expect(exitCode).toBe(0)
    expect(document).toMatchObject({ series: cases.length, left_out: 0 })
    expect(progress.filter((step) => step === "+1")).toHaveLength(cases.length)
    const { valuesOf, tiles, attributes } = await pageOf(bytes)
    const uids = cases.flatMap(({ expected }) => [expected.study_uid, expected.series_uid])
    expect(
      attributes.filter(({ tag, name }) => tag === "code" && name === "title").map(({ value }) => value),
    ).toEqual(uids)
    expect(tiles).toHaveLength(cases.length)
    for (const source of [...valuesOf("src"), ...valuesOf("href")]) expect(source).toStartWith("data:")
    const names = new Set(attributes.map(({ name }) => name))
    for (const name of ["style", "onload", "onerror", "srcset", "action"]) expect(names).not.toContain(name)
    const text = bytes.toString()
    expect(text).not.toContain("<script")
    expect(text).not.toMatch(/url\(|@import/)
  })

  test("has a policy that allows its pictures and its very style", async () => {
    const { bytes } = await sheetOf([uriOf(JPG)])
    const style = /<style>([\s\S]*)<\/style>/.exec(bytes.toString())![1]!
    const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64")
    const [policy] = (await pageOf(bytes)).valuesOf("content")
    expect(policy!.split("; ")).toEqual([
      "default-src 'none'",
      "img-src data:",
      `style-src 'sha256-${hash}'`,
      "base-uri 'none'",
      "form-action 'none'",
    ])
  })

  test("has the stored thumbnail's frames, each a JPEG that says in words what it is", async () => {
    const { bytes, document } = await sheetOf([uriOf(MP4)])
    expect(document).toMatchObject({ from_thumbnails: 1, drawn: 0 })
    const { valuesOf, tiles } = await pageOf(bytes)
    const frames = [1, 2, 3, 4, 5, 6]
    expect(valuesOf("alt")).toEqual(frames.map((n) => `OT, frame ${n} of 6`))
    for (const jpeg of jpegs(valuesOf("src"))) {
      expect(await sharp(jpeg).metadata()).toMatchObject({ format: "jpeg", width: 128, height: 128 })
    }
    expect(tiles[0]).toContain("4 instances, 6 frames")
  })

  test("looks the same where a thumbnail is stored and where it is drawn, and stores none", async () => {
    const stored = await pageOf((await sheetOf([uriOf(JPG)])).bytes)
    await using series = await changedSeries(JPG)
    await series.changeMetadata((document) => {
      delete document.thumbnail
    })
    const before = await Array.fromAsync(series.store.list(""))
    const { bytes, document } = await sheetOf([series.uri])
    expect(document).toMatchObject({ from_thumbnails: 0, drawn: 1 })
    expect(await Array.fromAsync(series.store.list(""))).toEqual(before)
    const drawn = await pageOf(bytes)
    const [a, b] = await Promise.all(
      [stored, drawn].map(({ valuesOf }) =>
        sharp(jpegs(valuesOf("src"))[0]!)
          .resize(64, 64)
          .removeAlpha()
          .raw()
          .toBuffer(),
      ),
    )
    const difference = a!.reduce((sum, value, at) => sum + Math.abs(value - b![at]!), 0) / a!.length
    expect(difference).toBeLessThan(6)
  })

  test("a thumbnail that is out of date, or no picture, is not shown", async () => {
    await using stale = await changedSeries(JPG)
    await stale.changeMetadata(({ cod: document }) => {
      const [key, entry] = Object.entries(document.instances)[0]!
      document.instances = { [key]: entry, "1.2.3": entry }
    })
    await using broken = await changedSeries(JPG)
    await broken.put(`${broken.keys.folder}thumbnail.jpg`, Buffer.from("no picture"))
    expect((await sheetOf([stale.uri, broken.uri])).document).toMatchObject({ from_thumbnails: 0, drawn: 2 })
  })

  test("of many frames has the first, the last and some between, and tells how many there are", async () => {
    expect(spread(3)).toEqual([0, 1, 2])
    expect(spread(8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(spread(9)).toEqual([0, 1, 2, 3, 5, 6, 7, 8])
    expect(spread(1000)).toEqual([0, 143, 285, 428, 571, 714, 856, 999])
    const { bytes } = await sheetOf([uriOf(FRAMES)])
    const { valuesOf, tiles } = await pageOf(bytes)
    expect(valuesOf("alt")).toEqual([1, 2, 4, 5, 6, 7, 9, 10].map((n) => `OT, frame ${n} of 10`))
    expect(tiles[0]).toContain("3 instances, 10 frames, 8 shown")
  })

  test("what files say of themselves stays text", async () => {
    const hostile = '"><img src=x onerror=alert(1)>'
    await using series = await changedSeries(goldenCase("v1-metadata"))
    await series.changeMetadata(({ cod: document }) => {
      for (const entry of Object.values(document.instances)) {
        const { metadata } = entry as unknown as { metadata: Record<string, unknown> }
        metadata["00080060"] = { vr: "CS", Value: [hostile] }
        metadata["00180015"] = { vr: "CS", Value: ["<b>\u202e\u0000&amp;"] }
        metadata["00185101"] = { vr: "CS", Value: [{ deep: ["<i>"] }] }
      }
    })
    const named = `studies/${hostile}/series/'"><svg onload=alert(2)>`
    await series.put(`${named}.tar`, await series.bytes(series.keys.tar))
    await series.put(`${named}/metadata.json`, await series.bytes(series.keys.metadata))
    const { bytes, exitCode } = await sheetOf([series.store.uri])
    expect(exitCode).toBe(0)
    const { tags, attributes, tiles } = await pageOf(bytes)
    expect(tiles).toHaveLength(2)
    for (const tag of ["svg", "b", "i", "script"]) expect(tags).not.toContain(tag)
    expect(attributes.filter(({ name }) => name.startsWith("on"))).toEqual([])
    const text = bytes.toString()
    expect(text).toContain("&quot;&gt;&lt;img src=x onerr")
    expect(text).toContain("&lt;svg onload=alert(2)&gt;")
    expect(text).not.toContain("\u202e")
    expect(text).not.toContain("\0")
  })
})

describe("a series without a picture", () => {
  test("is a tile that says why; what should have one makes the exit code 1", async () => {
    await using lost = await changedSeries(JPG)
    await lost.remove(lost.keys.metadata)
    await using garbage = await changedSeries(JPG)
    await garbage.put(garbage.keys.metadata, Buffer.from("garbage"))
    await using torn = await changedSeries(goldenCase("multiframe-native"))
    await torn.changeTar((tar) => tar.fill(0, 1536))
    const words = [lost.store.uri, garbage.store.uri, torn.store.uri, uriOf(JPG)]
    for (const name of ["sheet.html", "sheet.jpg"]) {
      const { document, exitCode, text } = await sheetOf(words, { name })
      expect(exitCode).toBe(1)
      expect(document).toMatchObject({ series: 4, from_thumbnails: 1 })
      expect(document.without_picture.map(({ uri, broken }) => [uri, broken])).toEqual([
        [lost.uri, true],
        [garbage.uri, true],
        [torn.uri, true],
      ])
      expect(document.without_picture[0]!.why).toBe("there is no metadata.json")
      for (const { why } of document.without_picture) expect(why).not.toContain("file://")
      expect(text).toContain("there is no metadata.json")
    }
    const { tiles } = await pageOf((await sheetOf(words)).bytes)
    expect(tiles[0]).toContain("there is no metadata.json")
    expect(tiles[3]).not.toContain("there is no")
  })

  test("has the frames of it that can be decoded, and says how many cannot", async () => {
    const { bytes, exitCode } = await sheetOf([uriOf(goldenCase("multiframe-encapsulated"))])
    expect(exitCode).toBe(0)
    const { tiles, valuesOf } = await pageOf(bytes)
    expect(valuesOf("src")).toHaveLength(7)
    expect(tiles[0]).toContain("29 frames, 7 shown")
    expect(tiles[0]).toContain("1 frame cannot be decoded")
  })

  test("is no failure when there is nothing to be seen in it", async () => {
    await using series = await changedSeries(goldenCase("transcoded-on-ingest"))
    await series.changeMetadata(({ cod: document }) => {
      const without = Object.entries(document.instances).filter(([, entry]) => entry.has_pixeldata === false)
      expect(without.length).toBeGreaterThan(0)
      document.instances = Object.fromEntries(without)
    })
    const { document, exitCode } = await sheetOf([series.uri])
    expect(exitCode).toBe(0)
    expect(document.without_picture).toEqual([
      { uri: series.uri, why: "no instance has pixels", broken: false },
    ])
  })
})

/** A datastore of phantoms: a study of two views, each a series of its own, and one more study. */
async function demoDatastore(dir: TempDir): Promise<string> {
  const incoming = dir.file("incoming")
  mkdirSync(incoming)
  const files = [
    { seed: 1, studyUid: "1.2", seriesUid: "1.2.8", instanceUid: "1.2.8.1" },
    { seed: 1, studyUid: "1.2", seriesUid: "1.2.9", instanceUid: "1.2.9.1", view: "LATERAL" },
    { seed: 2, studyUid: "1.3", seriesUid: "1.3.1", instanceUid: "1.3.1.1", rows: 64, columns: 128 },
  ] as const
  for (const [n, options] of files.entries()) {
    writeFileSync(dir.file("incoming", `${n}.dcm`), phantomDicom({ rows: 160, columns: 128, ...options }))
  }
  mkdirSync(dir.file("cod"))
  const datastore = pathToFileURL(dir.file("cod")).href
  await verb(["append", datastore, incoming])
  return datastore
}

describe("a sheet as JPEG", () => {
  test("has the pictures of a study as a person should see them", async () => {
    using dir = tempDir()
    const datastore = await demoDatastore(dir)
    const { bytes, document } = await sheetOf([`${datastore}/studies/1.2`], { name: "sheet.jpeg" })
    expect(document.series).toBe(2)
    const { width, height, format, exif } = await sharp(bytes).metadata()
    expect({ format, exif }).toEqual({ format: "jpeg", exif: undefined })
    const page = await sharp(bytes).greyscale().raw().toBuffer()
    const mean = (left: number, top: number, side: number) => {
      let sum = 0
      for (let y = top; y < top + side; y++)
        for (let x = left; x < left + side; x++) sum += page[y * width + x]!
      return sum / side ** 2
    }
    expect([width, height]).toEqual([480, 400])
    // Of the first one: lungs dark, spine and belly bright, beside the picture black.
    const [left, top] = [24, 72]
    const [lung, belly] = [mean(left + 62, top + 80, 12), mean(left + 84, top + 150, 20)]
    expect(lung).toBeLessThan(110)
    expect(belly).toBeGreaterThan(lung + 80)
    expect(mean(left + 2, top + 2, 12)).toBeLessThan(5)
  })

  test("is written the same again, and never over another file", async () => {
    using dir = tempDir()
    const out = dir.file("sheet.jpg")
    const words = ["contact-sheet", JPG.datastore, MP4.datastore]
    const first = await verb<{ written: boolean }>(words, { out })
    const again = await verb<{ written: boolean }>(words, { out })
    expect([first.document.written, again.document.written]).toEqual([true, false])
    expect(again.text).toStartWith(`${out}, there already: JPEG, 2 series, `)
    const error = await failureOf(verb(["contact-sheet", JPG.datastore], { out }))
    expect(explain(error)).toContain("sheet.jpg is there with other bytes, and stays as it is")
    expect(readdirSync(dir.path)).toEqual(["sheet.jpg"])
  })

  test("has letters on a machine without fonts", async () => {
    const code = `import { drawLines } from "./lib/operate/cod/contact-sheet/jpg-text.ts"
      const widths = ["iiiiii", "WWWWWW"].map((text) => drawLines([{ text, color: "#fff", points: 10 }], 400))
      console.log((await Promise.all(widths)).map(({ width }) => width).join(" "))`
    const child = Bun.spawn([process.execPath, "--no-env-file", "-e", code], {
      env: { FONTCONFIG_FILE: "/nonexistent", HOME: "/nonexistent" },
      stderr: "pipe",
    })
    const [narrow, wide] = (await child.stdout.text()).trim().split(" ").map(Number)
    expect(await child.stderr.text()).toBe("")
    expect(wide).toBeGreaterThan(narrow! * 2)
  })
})

describe("which series", () => {
  test("are those of the words up to --limit, and how many more there are is told", async () => {
    using dir = tempDir()
    const datastore = await demoDatastore(dir)
    const { bytes, document, text } = await sheetOf([`${datastore}/studies/1.3`, datastore], { limit: 2 })
    expect(document).toMatchObject({ series: 2, left_out: 1, left_out_is_all: true })
    expect(text).toEndWith("\n1 more series left out: --limit N shows more")
    const { tiles } = await pageOf(bytes)
    expect(tiles.map((tile) => /1\.\d\.\d+/.exec(tile)?.[0])).toEqual(["1.3.1", "1.2.8"])
    expect(bytes.toString()).toContain("<p>1 more series left out</p>")
    expect(tiles[1]).toContain("DX · CHEST · PA")
  })

  test.each([
    [["nowhere"], {}, "nowhere"],
    [[uriOf(JPG)], { out: undefined }, "contact-sheet needs --out FILE"],
    [[uriOf(JPG)], { out: "sheet.png" }, "ends with .html, for a browser, or with .jpg"],
    [[uriOf(JPG)], { limit: 2001 }, "a sheet has at most 2,000 series"],
    [[`${uriOf(JPG)}#1`], {}, 'Leave out "#1"'],
    [["70527eef-9ec7"], {}, "a UUID"],
    [["70527eef-9ec7-8a61-a103-2117c2153828"], {}, "none is configured"],
  ] as const)("%p %p is a usage error", async (words, options, hint) => {
    using dir = tempDir()
    const error = await failureOf(verb(["contact-sheet", ...words], { out: dir.file("x.html"), ...options }))
    expect(error).toBeInstanceOf(UsageError)
    expect(explain(error)).toContain(hint)
    expect(readdirSync(dir.path)).toEqual([])
  })

  test("that were named and are not there are an error, with what is there instead", async () => {
    using dir = tempDir()
    const study = `${JPG.datastore}/studies/${JPG.expected.study_uid}`
    for (const [word, hint] of [
      [`${study}/series/1.2.3`, `The study has ${JPG.expected.series_uid}`],
      [`${JPG.datastore}/studies/1.2.3`, "there is no study 1.2.3"],
      [pathToFileURL(dir.path).href, "there are no series"],
    ] as const) {
      const error = await failureOf(verb(["contact-sheet", word], { out: dir.file("x.html") }))
      expect(error).toBeInstanceOf(NotThere)
      expect(explain(error)).toContain(hint)
    }
  })
})

const STUDY = "70527eef-9ec7-8a61-a103-2117c2153828"

describe("a study of the ledger", () => {
  const configFor = ({ path }: TestLedger) => ({ ledger: { path } }) as unknown as Partial<CodStart["config"]>

  test("stands for the series that its files were packed into", async () => {
    using dir = tempDir()
    const datastore = await demoDatastore(dir)
    using bench = testLedger()
    pinDatastore(bench.ledger, { uri: datastore, uidHash: null })
    copied(bench, STUDY, [header("1.2", 1)])
    pack(bench, STUDY, ["new"])
    const out = dir.file("sheet.html")
    await verb(["contact-sheet", STUDY.toUpperCase()], { out }, configFor(bench))
    const { tiles } = await pageOf(readFileSync(out))
    expect(tiles).toHaveLength(1)
    expect(tiles[0]).toContain("1.2.8")
  })

  test("that it does not know, or of which nothing is packed, is an error that says what to ask", () => {
    using bench = packingLedger()
    const config = { cod: {}, ...configFor(bench) } as unknown as CodStart["config"]
    expect(() => packedPlaces("a", config)).toThrow("nothing of study a is packed")
    pinDatastore(bench.ledger, { uri: "gs://copies/cod", uidHash: null })
    const [place] = packedPlaces("a", config)
    expect(seriesUri(place!)).toBe("gs://copies/cod/studies/1.2/series/1.2.8")
    for (const id of ["b", "c"]) expect(() => packedPlaces(id, config)).toThrow(NotThere)
    expect(() => packedPlaces("x", config)).toThrow("the ledger does not know study x")
  })

  test("needs one", async () => {
    using dir = tempDir()
    const config = { ledger: { path: dir.file("none.sqlite") } } as unknown as Partial<CodStart["config"]>
    const failed = failureOf(verb(["contact-sheet", STUDY], { out: dir.file("x.html") }, config))
    expect(await failed).toBeInstanceOf(UsageError)
    expect(explain(await failed)).toContain("there is no ledger at")
    expect(readdirSync(dir.path)).toEqual([])
  })
})
