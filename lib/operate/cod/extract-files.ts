import { link, mkdir, rename, rm, stat } from "node:fs/promises"
import { basename, join } from "node:path"
import { CODError, type CODObject, type InstanceRecord, type SeriesMetadata } from "../../cod/index.ts"
import { copyView } from "../../cod/reading/copy-view.ts"
import { fileNames } from "../../cod/reading/extract.ts"
import { asFileError } from "../../cod/reading/file-bytes.ts"
import { crc32cOfFile } from "../../support/checksums.ts"
import { UsageError, verdictOf } from "../../support/errors.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Progress } from "../../support/progress.ts"
import { problemOf } from "./explain.ts"

/** What became of the instances: each is in exactly one of the lists. */
export interface ExtractReport {
  readonly uri: string
  readonly folder: string
  readonly instances: number
  readonly written: readonly ExtractedFile[]
  /** Was there already, with the same bytes. */
  readonly present: readonly ExtractedFile[]
  readonly failed: readonly { readonly key: string; readonly problem: string }[]
}

export interface ExtractedFile {
  readonly key: string
  readonly path: string
  readonly size: number
}

/** So many files are written at a time. */
const AT_ONCE = 4

/**
 * Writes each instance as a file into a folder, which is made if need be. A file that is there already stays as it is,
 * whatever it is.
 * @throws UsageError when there can be no such folder
 */
export async function extractInto(
  folder: string,
  series: CODObject,
  { instances }: SeriesMetadata,
  progress: Progress,
  signal: AbortSignal,
): Promise<ExtractReport> {
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw new UsageError(`${folder} cannot be used as a folder: ${cause.code}`)
  })
  const names = fileNames(instances.keys())
  const outcomes = new Map<string, Outcome>()
  progress.start(instances.size, "instances")
  try {
    const settle = async (key: string, signal: AbortSignal) => {
      outcomes.set(key, await outcomeOf(series, key, join(folder, names.get(key)!), signal))
      progress.tick()
    }
    await forEachLimit(instances.keys(), AT_ONCE, settle, signal)
  } finally {
    progress.stop()
  }
  return {
    uri: series.datastoreSeriesUri,
    folder,
    instances: instances.size,
    ...inLists(instances.keys(), outcomes),
  }
}

type Outcome =
  | { readonly list: "written" | "present"; readonly file: ExtractedFile }
  | { readonly list: "failed"; readonly problem: string }

/** One instance that fails leaves the others as they are; what ends everything is thrown. */
async function outcomeOf(
  series: CODObject,
  key: string,
  path: string,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const { record } = await series.getInstance(key, signal)
    const file = { key, path, size: record!.size }
    if (await isThere(record!, path, signal)) return { list: "present", file }
    await writeNew(series, key, path, signal)
    return { list: "written", file }
  } catch (error) {
    if (signal.aborted || verdictOf(error) === "stop") throw error
    return { list: "failed", problem: problemOf(error as Error, series.datastoreSeriesUri, key) }
  }
}

/** @throws CODError when something else is there */
async function isThere(
  { size, crc32c }: InstanceRecord,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const there = await stat(path).catch((cause) => {
    if (cause.code === "ENOENT") return undefined
    throw asFileError(path, cause)
  })
  if (there === undefined) return false
  if (there.isFile() && there.size === size && (await crc32cOfFile(path, signal)) === crc32c) return true
  throw taken(path)
}

/** The file appears under its name whole, and only where there is none. */
async function writeNew(series: CODObject, key: string, path: string, signal: AbortSignal): Promise<void> {
  // A name of its own: another extraction into the same folder must not give this file its name half-written.
  const part = `${path}.${crypto.randomUUID()}.part`
  try {
    await using view = await series.openInstance(key, signal)
    await copyView(view, part, signal)
    await giveName(part, path)
  } catch (cause) {
    throw codeOf(cause) === "EEXIST" ? taken(path) : asFileError(path, cause)
  } finally {
    await rm(part, { force: true })
  }
}

/** @throws EEXIST when there is a file of that name by now */
async function giveName(part: string, path: string): Promise<void> {
  try {
    await link(part, path)
  } catch (error) {
    // exFAT and some network folders have no links. Nothing had this name when it was looked at.
    if (!NO_LINKS.has(codeOf(error))) throw error
    await rename(part, path)
  }
}

const NO_LINKS: ReadonlySet<unknown> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined
}

function taken(path: string): CODError {
  return new CODError(`${basename(path)} is there with other bytes, and stays as it is`)
}

function inLists(keys: Iterable<string>, outcomes: ReadonlyMap<string, Outcome>) {
  const written: ExtractedFile[] = []
  const present: ExtractedFile[] = []
  const failed: { key: string; problem: string }[] = []
  for (const key of keys) {
    const outcome = outcomes.get(key)!
    if (outcome.list === "failed") failed.push({ key, problem: outcome.problem })
    else (outcome.list === "written" ? written : present).push(outcome.file)
  }
  return { written, present, failed }
}
