import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import { crc32c, crc32cToBase64, piecesOfFile } from "../../support/checksums.ts"
import { CorruptInstanceError } from "../errors.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { collectInFile } from "./collect.ts"
import { misfitOf, rangeOf } from "./instance-bytes.ts"
import { recordsOf, type Series } from "./series.ts"
import { Misfit, untilItFits } from "./settle.ts"

/** A tar that was downloaded, and the metadata that all of its instances fit. */
export interface PulledTar {
  readonly path: string
  readonly loaded: LoadedMetadata
}

/**
 * Downloads the tar into a temporary file, and compares every instance in it with its CRC32C.
 * @throws NotFound for a series that has no tar (and no instances), CorruptInstanceError, SeriesBeingRewritten, TooLarge
 */
export function pullTar(series: Series, signal?: AbortSignal): Promise<PulledTar> {
  const attempt = async (loaded: LoadedMetadata): Promise<PulledTar | Misfit> => {
    const path = series.scratch.newFile("series.tar")
    try {
      const misfit = await pullInto(series, loaded, path, signal)
      if (misfit === undefined) return { path, loaded }
      series.scratch.remove(path)
      return misfit
    } catch (error) {
      series.scratch.remove(path)
      throw error
    }
  }
  return untilItFits(series, attempt, signal)
}

async function pullInto(
  series: Series,
  loaded: LoadedMetadata,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Misfit | undefined> {
  const admit = (bytes: number) => series.scratch.reserve(path, bytes)
  const records = recordsOf(loaded.series)
  try {
    const { info } = await collectInFile(series.tar, {}, path, signal, admit)
    series.metrics.got(info.storageClass)
    for (const record of records) {
      const found = { ...(await partOfFile(path, record, signal)), tar: info.generation }
      const misfit = misfitOf(series, record, found)
      if (misfit !== undefined) return misfit
    }
    return undefined
  } catch (cause) {
    const isAbsent = cause instanceof NotFound && records.length > 0
    if (!isAbsent && !(cause instanceof PreconditionFailed)) throw cause
    const facts = { series: series.uri }
    return new Misfit(new CorruptInstanceError(`${series.uri}: ${cause.message}`, facts, cause), undefined)
  }
}

async function partOfFile(path: string, record: InstanceRecord, signal: AbortSignal | undefined) {
  let checksum = 0
  let size = 0
  for await (const piece of piecesOfFile(path, rangeOf(record), signal)) {
    checksum = crc32c(piece, checksum)
    size += piece.length
  }
  return { size, crc32c: crc32cToBase64(checksum) }
}
