import { expect, test } from "bun:test"
import { UndecodableFrameError } from "../../../lib/cod/errors.ts"
import { decodeFrame } from "../../../lib/cod/pixels/index.ts"
import { jpeg2000 } from "./encoders.ts"
import { pixelFile, SYNTAXES } from "./files.ts"

const shape = { rows: 700, columns: 700 }
const noise = Uint8Array.from({ length: 490_000 }, (_, i) => ((i * 2_654_435_761) >>> 13) & 255)

async function bigFile() {
  const stream = await jpeg2000({ ...shape, components: 1, bits: 8, data: noise })
  return pixelFile({ ...shape, transferSyntax: SYNTAXES.jpeg2000Lossless, fragments: [stream] })
}

test("a codec that takes too long is ended, an error of its frame, and the next frame has another one", async () => {
  const file = await bigFile()
  for (let again = 0; again < 3; again += 1) {
    const failed = decodeFrame(file, 0, { limits: { milliseconds: 1 } })
    await expect(failed).rejects.toThrow(UndecodableFrameError)
    await expect(failed).rejects.toThrow("its codec took longer than 1 ms")
    expect((await decodeFrame(file, 0)).data).toEqual(noise)
  }
})

test("a codec that wants more memory than it may have is an error of its frame", async () => {
  const dark = { rows: 4000, columns: 4000 }
  const data = new Uint8Array(16_000_000)
  const stream = await jpeg2000({ ...dark, components: 1, bits: 8, data })
  const file = pixelFile({ ...dark, transferSyntax: SYNTAXES.jpeg2000Lossless, fragments: [stream] })
  const failed = decodeFrame(file, 0, { limits: { memoryBytes: 2 ** 26 } })
  await expect(failed).rejects.toThrow(UndecodableFrameError)
  expect(await decodeFrame(file, 0)).toMatchObject(dark)
  expect((await decodeFrame(await bigFile(), 0)).data).toEqual(noise)
})

test("whoever gives up gets the reason, and others their frames", async () => {
  const file = await bigFile()
  const giveUp = new AbortController()
  const given = decodeFrame(file, 0, {}, giveUp.signal)
  const others = Array.from({ length: 6 }, () => decodeFrame(file, 0))
  giveUp.abort(new RangeError("enough"))
  await expect(given).rejects.toThrow("enough")
  for (const { data } of await Promise.all(others)) expect(data).toEqual(noise)
})

test("a program that has decoded ends by itself, and so do its codecs", async () => {
  const index = new URL("../../../lib/cod/pixels/decoder-processes.ts", import.meta.url).pathname
  const program = `
    const { decodeElsewhere } = await import(${JSON.stringify(index)})
    const request = { codec: "jpeg", stream: new Uint8Array(9), memoryBytes: 2 ** 28 }
    console.log(JSON.stringify(await decodeElsewhere(request, { milliseconds: 20_000 })))`
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" })
  expect(await new Response(child.stdout).text()).toContain("failure")
  expect(await child.exited).toBe(0)
})
