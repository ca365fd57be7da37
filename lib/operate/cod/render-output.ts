import { existsSync } from "node:fs"
import { link, open, rename, rm, stat } from "node:fs/promises"
import { basename } from "node:path"
import { CODError } from "../../cod/index.ts"
import { asFileError } from "../../cod/reading/file-bytes.ts"

/**
 * Writes a picture under exactly this name, and never over a file that is there. It appears when all of it is written.
 * @returns whether it was written: false when these very bytes are there already
 * @throws CODError when something else is there, or the file cannot be written
 */
export async function writePicture(path: string, bytes: Uint8Array): Promise<boolean> {
  const partial = `${path}.${process.pid}.partial`
  try {
    await writeSynced(partial, bytes)
    if (await named(partial, path)) return true
  } catch (cause) {
    throw asFileError(path, cause)
  } finally {
    await rm(partial, { force: true })
  }
  if (await isThere(path, bytes)) return false
  throw new CODError(`${basename(path)} is there with other bytes, and stays as it is`, {
    facts: { path },
    hint: "Say another name with --out FILE, or delete it.",
  })
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w")
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Gives a file its name. @returns false when the name is taken: a rename would not look */
async function named(partial: string, path: string): Promise<boolean> {
  try {
    await link(partial, path)
    return true
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === "EEXIST") return false
    if (code === undefined || !WITHOUT_LINKS.includes(code)) throw cause
  }
  if (existsSync(path)) return false
  await rename(partial, path)
  return true
}

/** What file systems say that have no second names, such as those of memory cards. */
const WITHOUT_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]

async function isThere(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const there = await stat(path)
    if (!there.isFile() || there.size !== bytes.length) return false
    return Buffer.from(bytes).equals(await Bun.file(path).bytes())
  } catch (cause) {
    throw asFileError(path, cause)
  }
}
