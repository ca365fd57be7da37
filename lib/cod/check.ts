import { NotFound, PreconditionFailed } from "../storage/errors.ts"
import { checkHindrances, checkIndex, checkThumbnail } from "./checking/beside.ts"
import { type Finding, finding } from "./checking/finding.ts"
import { checkBytes, checkEntries, type OnProgress } from "./checking/instances.ts"
import { checkTar, listTar } from "./checking/tar.ts"
import {
  CODError,
  CODObjectNotFoundError,
  HashMismatchError,
  TarMissingInstanceError,
  TarValidationError,
} from "./errors.ts"
import { isGzip } from "./format/gzip.ts"
import { metadataUri, parseSeriesUri, tarUri } from "./format/layout.ts"
import { parseSeriesMetadata } from "./format/metadata/series.ts"
import type { InstanceEntry, SeriesMetadata } from "./format/metadata/types.ts"
import { wholeMetadata } from "./reading/metadata-bytes.ts"
import type { Series } from "./reading/series.ts"
import { type SeriesAccess, seriesAt } from "./reading/series-at.ts"

export type { Finding, FindingKind, Severity } from "./checking/finding.ts"

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
 * series that is being written it says what it saw, and that somebody has a lock.
 * @throws CODObjectNotFoundError when there is neither metadata nor tar; StorageError
 */
export async function checkSeries(
  series: Series,
  options: CheckOptions = {},
  signal?: AbortSignal,
): Promise<CheckReport> {
  const metadata = await readMetadata(series, signal)
  const findings = [
    ...metadata.findings,
    ...(await checkHindrances(series, signal)),
    ...(await orChanged(series, () => checkTarAndIndex(series, metadata, options, signal))),
    ...(metadata.document === undefined ? [] : await checkThumbnail(series, metadata.document, signal)),
  ]
  const errors = findings.filter(({ severity }) => severity === "error")
  const notes = findings.filter(({ severity }) => severity === "note")
  return {
    series: series.uri,
    instances: metadata.entries.length,
    isSound: errors.length === 0,
    findings: [...errors, ...notes],
  }
}

/**
 * Makes an error of the first thing that is wrong, if anything is.
 * @throws TarMissingInstanceError, HashMismatchError, TarValidationError
 */
export function requireSound({ series, findings }: CheckReport): void {
  const first = findings.find(({ severity }) => severity === "error")
  if (first === undefined) return
  const Failure =
    first.kind === "member-missing" || first.kind === "tar-missing"
      ? TarMissingInstanceError
      : first.kind === "instance-corrupt"
        ? HashMismatchError
        : TarValidationError
  throw new Failure(`${first.where}: ${first.what}`, {
    facts: { series, kind: first.kind },
    hint: first.todo,
  })
}

interface ReadMetadata {
  /** Undefined when it is missing or cannot be read. */
  readonly document?: SeriesMetadata
  readonly entries: readonly InstanceEntry[]
  readonly findings: readonly Finding[]
}

async function readMetadata(series: Series, signal: AbortSignal | undefined): Promise<ReadMetadata> {
  const where = metadataUri(series.place)
  try {
    const { bytes } = await wholeMetadata(series.metadataJson, undefined, signal)
    const document = parseSeriesMetadata(bytes)
    const findings = isGzip(bytes) ? [] : [finding("metadata-plain", where, `${bytes.length} bytes`)]
    return { document, entries: [...document.instances.values()], findings }
  } catch (error) {
    if (error instanceof NotFound) {
      return { entries: [], findings: [finding("metadata-missing", where, "there is none")] }
    }
    if (!(error instanceof CODError)) throw error
    return { entries: [], findings: [finding("metadata-unreadable", where, error.message)] }
  }
}

async function checkTarAndIndex(
  series: Series,
  { document, entries }: ReadMetadata,
  { bytes = true, onProgress }: CheckOptions,
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  const uri = tarUri(series.place)
  const tar = await listTar(series, signal)
  if (tar === undefined) {
    if (document === undefined) throw new CODObjectNotFoundError(series.uri)
    return entries.length === 0
      ? []
      : [finding("tar-missing", uri, `the metadata has ${entries.length} instances`)]
  }
  const index = await checkIndex(series, tar, signal)
  // Without metadata nothing can be said of the members.
  if (document === undefined) return index
  return [
    ...checkTar(uri, tar, entries),
    ...checkEntries(series, entries, tar),
    ...(bytes ? await checkBytes(series, entries, { generation: tar.generation, onProgress }, signal) : []),
    ...index,
  ]
}

async function orChanged(series: Series, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check()
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error
    return [finding("changed-meanwhile", tarUri(series.place), "the tar was exchanged")]
  }
}
