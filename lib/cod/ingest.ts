import type { CODObjectOptions } from "./access.ts"
import { CODObject } from "./cod-object.ts"
import { CODObjectNotFoundError } from "./errors.ts"
import type { Instance } from "./instance.ts"
import { type WorkOptions, withCODObject } from "./with-cod-object.ts"
import { isThereAlready } from "./writing/membership.ts"
import type { AppendOptions, AppendResult } from "./writing/writer.ts"

export type IngestOptions = Omit<CODObjectOptions, "lock"> & AppendOptions & WorkOptions

/**
 * Appends instances to a series and stores it. The series is looked at without a lock first: when the hints say that all
 * instances are there already, nothing else is asked for, and no lock is taken.
 * @throws as `CODObject.open`, `append` and `sync`
 */
export async function ingest(instances: readonly Instance[], options: IngestOptions): Promise<AppendResult> {
  const { log, signal, treatMetadataDiffsAsSame, maxInstanceBytes, maxSeriesBytes, ...series } = options
  const same = await allThereAlready(instances, series, signal)
  if (same) return { new: [], same: instances, conflict: [], errors: [] }
  const limits = {
    ...(treatMetadataDiffsAsSame !== undefined && { treatMetadataDiffsAsSame }),
    ...(maxInstanceBytes !== undefined && { maxInstanceBytes }),
    ...(maxSeriesBytes !== undefined && { maxSeriesBytes }),
  }
  const work = async (cod: CODObject) => {
    const result = await cod.append(instances, limits, signal)
    await cod.sync({}, signal)
    return result
  }
  return await withCODObject({ ...series, lock: true }, work, { log, signal })
}

async function allThereAlready(
  instances: readonly Instance[],
  series: Omit<CODObjectOptions, "lock">,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await using cod = await CODObject.open({ ...series, lock: false, createIfMissing: false }, signal)
    const stored = await cod.getMetadata(signal)
    for (const instance of instances) if (!(await isThereAlready(stored, instance))) return false
    return true
  } catch (error) {
    if (error instanceof CODObjectNotFoundError) return false
    throw error
  }
}
