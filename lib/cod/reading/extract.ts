import { mkdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { forEachLimit } from "../../support/pool.ts"
import type { Instance } from "../instance.ts"
import { copyView } from "./copy-view.ts"
import { asFileError } from "./file-bytes.ts"
import { openFile } from "./open-uri.ts"

/** What became of the instances of a series: each is in exactly one of the lists. */
export interface Extraction {
  readonly extracted: readonly { readonly key: string; readonly path: string }[]
  readonly failed: readonly { readonly key: string; readonly error: unknown }[]
}

/** So many are written at a time. */
const AT_ONCE = 4

/**
 * Writes one file an instance into a folder, which is made if need be; a file of that name is replaced once the new one
 * is complete. The instances are at these files from then on.
 */
export async function extractInto(
  folder: string,
  instances: ReadonlyMap<string, Instance>,
  signal?: AbortSignal,
): Promise<Extraction> {
  await mkdir(folder, { recursive: true }).catch((cause) => Promise.reject(asFileError(folder, cause)))
  const names = fileNames(instances.keys())
  const extracted = new Map<string, string>()
  const failed: { key: string; error: unknown }[] = []
  const extract = async ([key, instance]: [string, Instance], signal: AbortSignal) => {
    const path = join(folder, names.get(key)!)
    try {
      await writeInstance(instance, path, signal)
      extracted.set(key, path)
    } catch (error) {
      if (signal.aborted) throw error
      failed.push({ key, error })
    }
  }
  await forEachLimit(instances, AT_ONCE, extract, signal)
  const inOrder = [...instances.keys()].flatMap((key) => {
    const path = extracted.get(key)
    return path === undefined ? [] : [{ key, path }]
  })
  return { extracted: inOrder, failed }
}

/**
 * A file name for every key: `KEY.dcm`, or what is derived from it where the key would lead elsewhere, is not fit for
 * every file system, or differs from another one only in case.
 */
export function fileNames(keys: Iterable<string>): Map<string, string> {
  const taken = new Set<string>()
  const names = new Map<string, string>()
  for (const key of keys) {
    const name = candidates(key).find((candidate) => !taken.has(candidate.toLowerCase()))!
    taken.add(name.toLowerCase())
    names.set(key, `${name}.dcm`)
  }
  return names
}

/** The key itself where it is plain; else what is derived from it, of which the last one cannot be taken by chance. */
function candidates(key: string): string[] {
  const plain = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,149}$/.test(key) ? [key] : []
  const digest = new Bun.CryptoHasher("sha256").update(key).digest("hex")
  return [...plain, `key-${digest.slice(0, 40)}`, `key-${digest}-${crypto.randomUUID()}`]
}

async function writeInstance(instance: Instance, path: string, signal: AbortSignal): Promise<void> {
  // A name that nobody has a file of.
  const part = `${path}.${crypto.randomUUID()}.part`
  try {
    await using view = await instance.open(signal)
    await copyView(view, part, signal)
    await rename(part, path)
  } catch (cause) {
    // What went wrong before is what has to be told; what cannot be deleted either is of little interest then.
    await rm(part, { force: true }).catch(() => {})
    throw asFileError(path, cause)
  }
  instance.moveTo({ uri: path, open: async () => openFile(path) })
}
