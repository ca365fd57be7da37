import { open, rm, stat } from "node:fs/promises"
import { basename } from "node:path"
import { CODError } from "../../cod/index.ts"
import { asFileError } from "../../cod/reading/file-bytes.ts"

/**
 * Writes a picture under exactly this name, and never over a file that is there.
 * @returns whether it was written: false when these very bytes are there already
 * @throws CODError when something else is there, or the file cannot be written
 */
export async function writePicture(path: string, bytes: Uint8Array): Promise<boolean> {
  const file = await open(path, "wx").catch((cause) => {
    if (cause.code === "EEXIST") return undefined
    throw asFileError(path, cause)
  })
  if (file === undefined) {
    if (await isThere(path, bytes)) return false
    throw new CODError(`${basename(path)} is there with other bytes, and stays as it is`, {
      facts: { path },
      hint: "Say another name with --out FILE, or delete it.",
    })
  }
  try {
    await file.writeFile(bytes)
    return true
  } catch (cause) {
    await rm(path, { force: true })
    throw asFileError(path, cause)
  } finally {
    await file.close()
  }
}

async function isThere(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const there = await stat(path)
    if (!there.isFile() || there.size !== bytes.length) return false
    return Buffer.from(bytes).equals(await Bun.file(path).bytes())
  } catch (cause) {
    throw asFileError(path, cause)
  }
}
