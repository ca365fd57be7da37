import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import type { Generation } from "../../storage/store.ts"
import { CorruptInstanceError } from "../errors.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { ByteView } from "../view.ts"
import { type Collected, collect } from "./collect.ts"
import { recordOf, type Series } from "./series.ts"
import { Misfit, untilItFits } from "./settle.ts"

/** A whole instance whose bytes have the CRC32C that the metadata names. Dispose of it. */
export interface CheckedInstance extends Disposable {
  readonly bytes: Collected["bytes"]
  readonly record: InstanceRecord
  /** The metadata and the tar that it was read by. */
  readonly loaded: LoadedMetadata
  readonly tar: Generation
}

/**
 * Reads one instance of a series: one ranged read of exactly its bytes.
 * @throws InstanceNotFoundError, InvalidMetadata, CorruptInstanceError, SeriesBeingRewritten, TooLarge, StorageError
 */
export function readInstance(series: Series, key: string, signal?: AbortSignal): Promise<CheckedInstance> {
  const attempt = async (loaded: LoadedMetadata): Promise<CheckedInstance | Misfit> => {
    const record = recordOf(series, loaded, key)
    return await orMisfit(series, record, async () => {
      const collected = await collect(
        series.tar,
        { range: rangeOf(record) },
        series.scratch,
        `${key}.dcm`,
        signal,
      )
      const { bytes, info, crc32c } = collected
      const misfit = misfitOf(series, record, { size: bytes.size, crc32c, tar: info.generation })
      if (misfit !== undefined) {
        collected[Symbol.dispose]()
        return misfit
      }
      count(series, record, info.storageClass)
      return { bytes, record, loaded, tar: info.generation, [Symbol.dispose]: collected[Symbol.dispose] }
    })
  }
  return untilItFits(series, attempt, signal)
}

/** Closing the view disposes of the instance. */
export function viewOf(instance: CheckedInstance): ByteView {
  return new ByteView(instance.bytes, () => instance[Symbol.dispose]())
}

/** Where a record says its instance lies in the tar. `endByte` is not asked: writers differ in what they mean by it. */
export function rangeOf({ startByte, size }: InstanceRecord): {
  readonly start: number
  readonly end: number
} {
  return { start: startByte, end: startByte + size }
}

/** A tar that is missing, or exchanged while it was read, is a misfit as well. */
async function orMisfit<T>(series: Series, record: InstanceRecord, read: () => Promise<T | Misfit>) {
  try {
    return await read()
  } catch (cause) {
    const { key } = record
    const facts = { series: series.uri, key }
    if (cause instanceof NotFound) {
      return new Misfit(
        new CorruptInstanceError(`${series.uri}: the tar of ${key} is missing`, facts, cause),
        undefined,
      )
    }
    if (cause instanceof PreconditionFailed) {
      return new Misfit(
        new CorruptInstanceError(`${series.uri}: the tar was exchanged while ${key} was read`, facts, cause),
        undefined,
      )
    }
    throw cause
  }
}

export interface Found {
  readonly size: number
  readonly crc32c: string
  readonly tar: Generation
}

export function misfitOf(
  series: Series,
  record: InstanceRecord,
  { size, crc32c, tar }: Found,
): Misfit | undefined {
  const { key, startByte } = record
  const facts = { series: series.uri, key, startByte, size: record.size, tar }
  const flaw =
    size < record.size
      ? `the tar ends after ${size} of its ${record.size} bytes`
      : crc32c !== record.crc32c
        ? `its CRC32C is ${crc32c}, by the metadata ${record.crc32c}`
        : undefined
  if (flaw === undefined) return undefined
  return new Misfit(new CorruptInstanceError(`${series.uri}: instance ${key}: ${flaw}`, facts), tar)
}

function count({ metrics }: Series, { size }: InstanceRecord, storageClass: string | undefined): void {
  metrics.add("instancesRead")
  metrics.add("bytesRead", size)
  metrics.got(storageClass)
}
