import type { Dirent } from "node:fs"
import { open, readdir, stat } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import { localPath } from "../../cod/reading/open-uri.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"

/** What words name: DICOM files, by absolute path or URI, and what was found in folders beside them. */
export interface Sources {
  readonly files: readonly string[]
  /** Are no instances. */
  readonly skipped: readonly Reason[]
  /** May be some, or have some: they cannot be read. */
  readonly unreadable: readonly Reason[]
}

export interface Reason {
  readonly file: string
  readonly why: string
}

/**
 * Goes through folders, to the bottom. What is named itself is taken whatever it is; of what lies in a folder only DICOM
 * files are, the others are told. Symbolic links to files are followed, those to folders are not: they may lead in circles.
 * @throws UsageError for what is not there
 */
export async function findSources(words: readonly string[], signal: AbortSignal): Promise<Sources> {
  const found: Found = { files: [], skipped: [], unreadable: [] }
  for (const word of words) {
    if (/^(?:gs|s3):\/\//.test(word) || word.includes(".tar://")) {
      found.files.push(word)
      continue
    }
    requireLocal(word)
    const path = resolve(localPath(word))
    if (await isFolder(path)) await walk(path, found, signal)
    else found.files.push(path)
  }
  return found
}

type Found = { readonly [List in keyof Sources]: Sources[List][number][] }

function requireLocal(word: string): void {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(word) || word.startsWith("file:///")) return
  throw new UsageError(
    `"${safe(word)}" cannot be read`,
    "A source is a file, a folder, or a URI: gs://, s3:// or file:///.",
  )
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((cause) => {
    const why = cause.code === "ENOENT" ? "there is no such file or folder" : cause.code
    throw new UsageError(`${safe(path)} cannot be read: ${why}`)
  })
  return found.isDirectory()
}

async function walk(folder: string, found: Found, signal: AbortSignal): Promise<void> {
  for (const entry of await entriesOf(folder, found)) {
    signal.throwIfAborted()
    const file = join(folder, entry.name)
    if (entry.isDirectory()) await walk(file, found, signal)
    else await sortIn(file, found)
  }
}

async function entriesOf(folder: string, { unreadable }: Found): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch (cause) {
    unreadable.push({ file: folder, why: `the folder cannot be listed: ${codeOf(cause)}` })
    return []
  }
}

async function sortIn(file: string, { files, skipped, unreadable }: Found): Promise<void> {
  try {
    const why = await whyNoInstance(file)
    if (why === undefined) files.push(file)
    else skipped.push({ file, why })
  } catch (cause) {
    unreadable.push({ file, why: `it cannot be read: ${codeOf(cause)}` })
  }
}

/** Where the prefix of a DICOM file stands, behind the preamble (PS3.10, section 7.1). */
const PREFIX_AT = 128
const PREFIX = "DICM"

async function whyNoInstance(path: string): Promise<string | undefined> {
  // It describes the other files of a medium, and is DICOM itself (PS3.10, section 8.6).
  if (basename(path) === "DICOMDIR") return "it is the directory of a medium"
  const found = await stat(path)
  if (!found.isFile()) return found.isDirectory() ? "it is a link to a folder" : "it is no file"
  await using file = await open(path)
  const prefix = Buffer.alloc(PREFIX.length)
  await file.read(prefix, 0, prefix.length, PREFIX_AT)
  return prefix.toString("latin1") === PREFIX ? undefined : "it is no DICOM file"
}

function codeOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return code ?? message
}
