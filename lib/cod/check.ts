import { NotFound, PreconditionFailed } from "../storage/errors.ts"
import type { Generation } from "../storage/store.ts"
import { checkHindrances, checkIndex, checkThumbnail } from "./checking/beside.ts"
import { COMPARISONS, type Finding, finding } from "./checking/finding.ts"
import { checkBytes, checkEntries, type OnProgress } from "./checking/instances.ts"
import { checkTar, listTar } from "./checking/tar.ts"
import {
  CODError,
  CODObjectNotFoundError,
  HashMismatchError,
  TarMissingInstanceError,
  TarValidationError,
  TooLarge,
} from "./errors.ts"
import { isGzip } from "./format/gzip.ts"
import { metadataUri, parseSeriesUri, tarUri } from "./format/layout.ts"
import { parseSeriesMetadata } from "./format/metadata/series.ts"
import type { InstanceEntry, SeriesMetadata } from "./format/metadata/types.ts"
import { wholeMetadata } from "./reading/metadata-bytes.ts"
import { lookFor } from "./reading/presence.ts"
import type { Series } from "./reading/series.ts"
import { type SeriesAccess, seriesAt } from "./reading/series-at.ts"

export type { Finding, FindingKind, Severity } from "./checking/finding.ts"
export type { OnProgress } from "./checking/instances.ts"

/** What a check of a series found: errors first. */
export interface CheckReport {
  readonly series: string
  /** Instances that the metadata has. */
  readonly instances: number
  /** Nothing but notes was found. */
  readonly isSound: boolean
  readonly findings: readonly Finding[]
}

export interface CheckOptions {
  /** Whether to read all instances and compare their CRC32C (true), or only headers. */
  readonly bytes?: boolean | undefined
  readonly onProgress?: OnProgress | undefined
}

/** Checks the series that a URI names. @throws as `checkSeries`, InvalidUri */
export async function check(
  uri: string,
  { bytes, onProgress, ...access }: CheckOptions & SeriesAccess = {},
  signal?: AbortSignal,
): Promise<CheckReport> {
  using opened = seriesAt(parseSeriesUri(uri), access)
  return await checkSeries(opened.series, { bytes, onProgress }, signal)
}

/**
 * Compares all that is stored of a series: metadata, tar, instances, index, thumbnail. It looks once and never waits: of a
 * series that is being written it says what it saw, and that somebody has a lock or wrote meanwhile.
 * @throws CODObjectNotFoundError when there is neither metadata nor tar; StorageError
 */
export async function checkSeries(
  series: Series,
  options: CheckOptions = {},
  signal?: AbortSignal,
): Promise<CheckReport> {
  const metadata = await readMetadata(series, signal)
  const findings = [...metadata.findings, ...(await checkHindrances(series, signal))]
  const isExchanged = await findsExchanged(async () => {
    for await (const found of checkTarAndIndex(series, metadata, options, signal)) findings.push(...found)
  })
  if (metadata.document !== undefined)
    findings.push(...(await checkThumbnail(series, metadata.document, signal)))
  const isChanged = isExchanged || (await isRewritten(series, metadata, findings, signal))
  const lasting = isChanged ? [changedMeanwhile(series), ...findings.filter(isLasting)] : findings
  const errors = lasting.filter(({ severity }) => severity === "error")
  const notes = lasting.filter(({ severity }) => severity === "note")
  return {
    series: series.uri,
    instances: metadata.entries.length,
    isSound: errors.length === 0,
    findings: [...errors, ...notes],
  }
}

/**
 * Makes an error of the first thing that is wrong, if anything is. Where somebody else is writing it is worth another try.
 * @param isOurs whether the lock that it found, if it found one, is our own
 * @throws TarMissingInstanceError, HashMismatchError, TarValidationError
 */
export function requireSound({ series, findings }: CheckReport, isOurs: boolean): void {
  const first = findings.find(({ severity }) => severity === "error")
  if (first === undefined) return
  const Failure =
    first.kind === "member-missing" || first.kind === "tar-missing"
      ? TarMissingInstanceError
      : first.kind === "instance-corrupt"
        ? HashMismatchError
        : TarValidationError
  const isBeingWritten =
    first.kind === "changed-meanwhile" || (!isOurs && findings.some(({ kind }) => kind === "locked"))
  throw new Failure(`${first.where}: ${first.what}`, {
    verdict: isBeingWritten ? "retry" : "give-up",
    facts: { series, kind: first.kind },
    hint: first.todo,
  })
}

interface ReadMetadata {
  /** Undefined when it is missing. */
  readonly generation?: Generation
  /** Undefined when it is missing or cannot be read. */
  readonly document?: SeriesMetadata
  readonly entries: readonly InstanceEntry[]
  readonly findings: readonly Finding[]
}

async function readMetadata(series: Series, signal: AbortSignal | undefined): Promise<ReadMetadata> {
  const where = metadataUri(series.place)
  try {
    const { info, bytes } = await wholeMetadata(series.metadataJson, undefined, signal)
    return { generation: info.generation, ...understood(bytes, where) }
  } catch (error) {
    if (error instanceof NotFound) {
      return { entries: [], findings: [finding("metadata-missing", where, "there is none")] }
    }
    if (error instanceof TooLarge) return unreadable(error, where)
    throw error
  }
}

function understood(bytes: Uint8Array, where: string): ReadMetadata {
  try {
    const document = parseSeriesMetadata(bytes)
    const findings = isGzip(bytes) ? [] : [finding("metadata-plain", where, `${bytes.length} bytes`)]
    return { document, entries: [...document.instances.values()], findings }
  } catch (error) {
    if (error instanceof CODError) return unreadable(error, where)
    throw error
  }
}

function unreadable({ message }: CODError, where: string): ReadMetadata {
  return { entries: [], findings: [finding("metadata-unreadable", where, message)] }
}

/** Tells what it has found as it goes: it may break off. */
async function* checkTarAndIndex(
  series: Series,
  { document, entries }: ReadMetadata,
  { bytes = true, onProgress }: CheckOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Finding[]> {
  const uri = tarUri(series.place)
  const tar = await listTar(series, signal)
  if (tar === undefined) {
    if (document === undefined) throw new CODObjectNotFoundError(series.uri)
    if (entries.length > 0)
      yield [finding("tar-missing", uri, `the metadata has ${entries.length} instances`)]
    return
  }
  // Without metadata nothing can be said of the members.
  if (document !== undefined) {
    yield checkTar(uri, tar, entries)
    yield checkEntries(series, entries, tar)
  }
  yield await checkIndex(series, tar, signal)
  if (document !== undefined && bytes)
    yield await checkBytes(series, entries, { generation: tar.generation, onProgress }, signal)
}

/** Whether the tar was exchanged while `check` read it. */
async function findsExchanged(check: () => Promise<void>): Promise<boolean> {
  try {
    await check()
    return false
  } catch (error) {
    if (error instanceof PreconditionFailed) return true
    throw error
  }
}

/** Whether the metadata is another by now; asked only when that would explain something. */
async function isRewritten(
  series: Series,
  { generation }: ReadMetadata,
  findings: readonly Finding[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (findings.every(isLasting)) return false
  return (await lookFor(series.metadataJson, signal))?.generation !== generation
}

function isLasting({ kind }: Finding): boolean {
  return !COMPARISONS.has(kind)
}

function changedMeanwhile(series: Series): Finding {
  return finding("changed-meanwhile", series.uri, "metadata and tar are not what they were when it began")
}
