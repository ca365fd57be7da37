import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import sharp from "sharp"
import { CODObject, parseDicom, renderFrame } from "../../lib/cod/index.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { changedSeries } from "../cod/changed-series.ts"
import { type GoldenCase, goldenCase } from "../support/golden.ts"
import { type Finished, PROJECT_ROOT, runScript } from "../support/process.ts"
import { documentOf } from "../support/scripts.ts"
import { tempDir } from "../support/temp.ts"

const cod = (...words: string[]): Promise<Finished> => runScript(["scripts/cod.ts", ...words], { env: {} })

const uriOf = ({ datastore, expected }: GoldenCase) =>
  `${datastore}/studies/${expected.study_uid}/series/${expected.series_uid}`
const storedIn = (golden: GoldenCase, name: string) =>
  golden.bytes(golden.keys.find((key) => key.endsWith(`/${name}`))!)

const JPG = goldenCase("thumbnail-jpg")
const MP4 = goldenCase("thumbnail-mp4")
const FRAMES = goldenCase("multiframe-native")
const [KEY] = Object.keys(FRAMES.expected.instances) as [string]

describe("cod thumbnail", () => {
  test.each([
    ["jpg", JPG, 1, 1],
    ["mp4", MP4, 6, 3],
  ] as const)("writes the stored %s under exactly that name", async (kind, golden, frames, instances) => {
    using dir = tempDir()
    const path = dir.file("picture.of-it")
    const words = ["thumbnail", uriOf(golden), "--out", path]
    const bytes = storedIn(golden, `thumbnail.${kind}`)
    expect(documentOf(await cod(...words, "--json"))).toEqual({
      uri: uriOf(golden),
      path,
      made: false,
      written: true,
      kind,
      pixels: 128,
      frames,
      instances,
      size: bytes.length,
    })
    expect(new Uint8Array(readFileSync(path))).toEqual(new Uint8Array(bytes))
    const again = await cod(...words)
    expect(again).toMatchObject({ exitCode: 0, stderr: "" })
    expect(again.stdout).toStartWith(`${path}, there already: ${kind.toUpperCase().replace("JPG", "JPEG")}, `)
  })

  test("never replaces another file", async () => {
    using dir = tempDir()
    const path = dir.file("mine.jpg")
    writeFileSync(path, "mine")
    const { exitCode, stdout, stderr } = await cod("thumbnail", uriOf(JPG), "--out", path)
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(stderr).toContain("mine.jpg is there with other bytes, and stays as it is")
    expect(readFileSync(path, "utf8")).toBe("mine")
  })

  test("says what to do where there is none, or it is out of date, and writes nothing", async () => {
    using dir = tempDir()
    await using stale = await changedSeries(JPG)
    await stale.changeMetadata(({ cod: document }) => {
      const [key, entry] = Object.entries(document.instances)[0]!
      document.instances = { [key]: entry, "1.2.3": entry }
    })
    for (const [uri, why] of [
      [uriOf(FRAMES), "has no thumbnail"],
      [stale.uri, "is out of date"],
    ] as const) {
      const { exitCode, stdout, stderr } = await cod("thumbnail", uri, "--out", dir.file("x"))
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
      expect(stderr).toContain(why)
      expect(stderr).toContain(`thumbnail ${uri} --make`)
      expect(stderr).not.toContain("because")
    }
    expect(readdirSync(dir.path)).toEqual([])
  })

  test("--make makes and stores one that is missing, once", async () => {
    using dir = tempDir()
    await using series = await changedSeries(JPG)
    await series.changeMetadata((document) => {
      delete document.thumbnail
    })
    await series.remove(`${series.keys.folder}thumbnail.jpg`)
    const make = (name: string) => cod("thumbnail", series.uri, "--make", "--out", dir.file(name), "--json")
    expect(documentOf(await make("1.jpg"))).toMatchObject({ made: true, written: true, kind: "jpg" })
    expect(documentOf(await make("2.jpg"))).toMatchObject({ made: false, written: true })
    const stored = await series.bytes(`${series.keys.folder}thumbnail.jpg`)
    for (const name of ["1.jpg", "2.jpg"]) {
      expect(Buffer.from(stored).equals(readFileSync(dir.file(name)))).toBeTrue()
    }
    expect(await series.head(`${series.keys.folder}.cod.lock`)).toBeUndefined()
    expect((await series.check()).findings).toEqual([])
  })
})

/** All that a terminal of this name is sent. */
async function onTerminal(env: Record<string, string>, ...words: string[]): Promise<string> {
  const pieces: Uint8Array[] = []
  const command = [process.execPath, "--no-env-file", "scripts/cod.ts", ...words]
  // What was written last may arrive after the process has ended.
  const ended = Promise.withResolvers<void>()
  const data = (_: Bun.Terminal, piece: Uint8Array) => void pieces.push(piece.slice())
  const terminal = { cols: 200, rows: 50, data, exit: () => ended.resolve() }
  const child = Bun.spawn(command, { cwd: PROJECT_ROOT, env, terminal })
  expect(await child.exited).toBe(0)
  await ended.promise
  return Buffer.concat(pieces).toString()
}

describe("cod thumbnail on a terminal", () => {
  test.each([
    [{ TERM: "xterm-kitty" }, "\x1b_Ga=T,f=100,"],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "iTerm.app" }, "\x1b]1337;File=inline=1;"],
    [{ TERM: "foot" }, "\x1bP0;0;q"],
  ] as const)("that says %p is shown the picture, and where its file is", async (env, beginning) => {
    using dir = tempDir()
    const path = dir.file("x.mp4")
    const text = await onTerminal(env, "thumbnail", uriOf(MP4), "-o", path)
    expect(text).toStartWith(beginning)
    expect(text).toContain(`\r\nframes 1, 3, 4, 6\r\n${path}: MP4, 6 frames of 3 instances`)
    const document = await onTerminal(env, "thumbnail", uriOf(MP4), "-o", path, "--json")
    expect(document).not.toContain("\x1b")
    expect(JSON.parse(document)).toMatchObject({ path, frames: 6 })
  })

  test("that shows none, or into a file, is where its file is", async () => {
    using dir = tempDir()
    const path = dir.file("x.jpg")
    const words = ["thumbnail", uriOf(JPG), "-o", path]
    expect(await onTerminal({ TERM: "xterm-256color" }, ...words)).toStartWith(`${path}: JPEG`)
    expect(await onTerminal({ TERM: "xterm-kitty", TMUX: "1" }, ...words)).toStartWith(
      `${path}, there already`,
    )
    const piped = await runScript(["scripts/cod.ts", ...words], { env: { TERM: "xterm-kitty" } })
    expect(piped.stdout).toStartWith(`${path}, there already`)
  })
})

/** The picture that a call has written. */
async function picture(path: string) {
  const { format, space, width, height, channels } = await sharp(path).metadata()
  // Greys come out as colours unless told otherwise.
  const data = await sharp(path).toColourspace(space).raw().toBuffer()
  return { format, width, height, channels, data }
}

async function rendered(golden: GoldenCase, key: string, frame: number, window?: [number, number]) {
  await using series = await CODObject.fromUri(uriOf(golden), { lock: false })
  await using view = await series.openInstance(key)
  const options = window === undefined ? {} : { window: { center: window[0], width: window[1] } }
  const { rows, columns, samples, data } = await renderFrame(parseDicom(await view.bytes()), frame, options)
  return { width: columns, height: rows, samples, data: Buffer.from(data) }
}

describe("cod render", () => {
  test("writes a frame, counted from 1, as PNG to the last sample", async () => {
    using dir = tempDir()
    const path = dir.file("2.png")
    const report = documentOf(
      await cod("render", `${uriOf(FRAMES)}#${KEY}`, "--frame", "2", "--out", path, "--json"),
    )
    const { width, height, samples, data } = await rendered(FRAMES, KEY, 1)
    expect(report).toEqual({
      uri: uriOf(FRAMES),
      key: KEY,
      frame: 2,
      frames: 5,
      path,
      written: true,
      format: "png",
      width,
      height,
      samples,
      size: readFileSync(path).length,
    })
    const written = await picture(path)
    expect(written).toMatchObject({ format: "png", width, height, channels: samples })
    expect(written.data.equals(data)).toBeTrue()
    expect(data.equals((await rendered(FRAMES, KEY, 0)).data)).toBeFalse()
  })

  test("every instance of a series, compressed, of greys and of colours", async () => {
    using dir = tempDir()
    const golden = goldenCase("transcoded-on-ingest")
    const channels = new Set<number>()
    for (const key of golden.expected.order) {
      if (!golden.expected.instances[key]!.has_pixeldata) continue
      const path = dir.file(`${key}.png`)
      const done = await cod("render", `${uriOf(golden)}#${key}`, "--out", path)
      expect(done).toMatchObject({ exitCode: 0, stderr: "" })
      const written = await picture(path)
      const { samples, data } = await rendered(golden, key, 0)
      expect(written.channels).toBe(samples)
      expect(written.data.equals(data)).toBeTrue()
      channels.add(samples)
    }
    expect(channels).toEqual(new Set([1, 3]))
  })

  test("--window is used instead of the file's own", async () => {
    using dir = tempDir()
    const [key] = JPG.expected.order as [string]
    const path = dir.file("x.png")
    const { exitCode } = await cod("render", `${uriOf(JPG)}#${key}`, "--window", "-5,200", "--out", path)
    expect(exitCode).toBe(0)
    const windowed = await rendered(JPG, key, 0, [-5, 200])
    expect((await picture(path)).data.equals(windowed.data)).toBeTrue()
    expect(windowed.data.equals((await rendered(JPG, key, 0)).data)).toBeFalse()
  })

  test("--size is the long side's, and JPEG is JPEG", async () => {
    using dir = tempDir()
    const { width, height } = await rendered(FRAMES, KEY, 0)
    const size = Math.max(width, height) / 2
    const path = dir.file("small.JPG")
    const words = ["render", `${uriOf(FRAMES)}#${KEY}`, "--size", String(size), "--out", path]
    expect(await cod(...words)).toMatchObject({ exitCode: 0, stderr: "" })
    const { format, ...written } = await picture(path)
    expect(format).toBe("jpeg")
    expect([written.width, written.height]).toEqual([Math.trunc(width / 2), Math.trunc(height / 2)])
  })

  test("of a frame that is not there, or cannot be decoded, counts from 1 and writes nothing", async () => {
    using dir = tempDir()
    const uri = `${uriOf(FRAMES)}#${KEY}`
    const beyond = await cod("render", uri, "--frame", "6", "--out", dir.file("6.png"))
    expect(beyond).toMatchObject({ exitCode: 1, stdout: "" })
    expect(beyond.stderr).toContain("Frames count from 1 to 5.")
    const encapsulated = goldenCase("multiframe-encapsulated")
    await using damaged = await changedSeries(encapsulated)
    const [key, { start_byte, size }] = Object.entries(encapsulated.expected.instances)[0]!
    await damaged.changeTar((tar) => {
      // The number of segments of the last frame's RLE header.
      const file = tar.subarray(start_byte, start_byte + size)
      file.fill(0xff, lastFragment(file), lastFragment(file) + 8)
      return tar
    })
    const tar = new Uint8Array(await damaged.bytes(damaged.keys.tar))
    await damaged.changeMetadata(({ cod: document }) => {
      document.instances[key]!.crc32c = crc32cBase64(tar.subarray(start_byte, start_byte + size))
    })
    const last = ["--frame", "4", "--out", dir.file("4.png")]
    const undecodable = await cod("render", `${damaged.uri}#${key}`, ...last)
    expect(undecodable).toMatchObject({ exitCode: 1, stdout: "" })
    expect(undecodable.stderr).toContain(`#${key}: frame 4 cannot be decoded`)
    expect(readdirSync(dir.path)).toEqual([])
    const first = await cod("render", `${damaged.uri}#${key}`, "--out", dir.file("1.png"))
    expect(first).toMatchObject({ exitCode: 0, stderr: "" })
  })

  test("never replaces another file", async () => {
    using dir = tempDir()
    const path = dir.file("mine.png")
    writeFileSync(path, "mine")
    const { exitCode, stderr } = await cod("render", `${uriOf(FRAMES)}#${KEY}`, "--out", path)
    expect(exitCode).toBe(1)
    expect(stderr).toContain("stays as it is")
    expect(readFileSync(path, "utf8")).toBe("mine")
  })

  test.each([
    [[], "render needs --out FILE"],
    [["--out", "x.gif"], "is no name of a picture"],
    [["--out", "x.png", "--window", "40"], "--window: expected center,width"],
    [["--out", "x.png", "--window", "40,0"], "--window: expected center,width"],
    [["--out", "x.png", "--size", "4097"], "--size: expected a whole number from 1 to 4096"],
  ] as const)("%p is wrong usage", async (words, message) => {
    const { exitCode, stderr } = await cod("render", `${uriOf(FRAMES)}#${KEY}`, ...words)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })
})

/** Where the value of the last item of encapsulated pixel data begins, which the sequence's delimiter follows. */
function lastFragment(file: Uint8Array): number {
  return Buffer.from(file).lastIndexOf(Buffer.from([0xfe, 0xff, 0x00, 0xe0])) + 8
}
