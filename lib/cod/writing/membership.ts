import { InstanceValidationError } from "../errors.ts"
import type { SeriesMetadata } from "../format/metadata/types.ts"
import { HINT_FIELDS } from "../hints.ts"
import type { Instance } from "../instance.ts"

/** Which series it is; hashed UIDs when it is hashed. */
type SeriesIdentity = Pick<SeriesMetadata, "hashedUids" | "studyUid" | "seriesUid">

/** Hints are taken at face value here: they are verified when the file is read. */
export const TRUSTING = { trustHints: true }

/**
 * What the instance is called in this series.
 * @throws InstanceValidationError when it belongs to another one
 */
export async function keyWithin(
  of: SeriesIdentity,
  instance: Instance,
  signal?: AbortSignal,
): Promise<string> {
  const { hashedUids, studyUid, seriesUid } = of
  if (hashedUids !== (instance.uidHashFunc !== undefined)) {
    const what = hashedUids
      ? "the series is hashed, the instance has no uidHashFunc"
      : "only the instance is hashed"
    throw foreign(of, instance, what)
  }
  const [study, series, key] = hashedUids
    ? [
        await instance.hashedStudyUid(TRUSTING, signal),
        await instance.hashedSeriesUid(TRUSTING, signal),
        await instance.hashedInstanceUid(TRUSTING, signal),
      ]
    : [
        await instance.studyUid(TRUSTING, signal),
        await instance.seriesUid(TRUSTING, signal),
        await instance.instanceUid(TRUSTING, signal),
      ]
  if (study !== studyUid) throw foreign(of, instance, `it is of study ${study}`)
  if (series !== seriesUid) throw foreign(of, instance, `it is of series ${series}`)
  return key
}

function foreign(of: SeriesIdentity, { originalPath }: Instance, why: string): InstanceValidationError {
  return new InstanceValidationError(
    `${originalPath} does not belong to COD object ${of.seriesUid}: ${why}`,
    {
      facts: { uri: originalPath, study: of.studyUid, series: of.seriesUid },
    },
  )
}

/** Whether the series has this very instance, by its hints alone: false when they do not say enough. */
export async function isThereAlready(series: SeriesMetadata, instance: Instance): Promise<boolean> {
  if (HINT_FIELDS.some((field) => instance.hints[field] === undefined)) return false
  try {
    const entry = series.instances.get(await keyWithin(series, instance))
    return entry?.kind === "instance" && entry.crc32c === instance.hints.crc32c
  } catch (error) {
    if (error instanceof InstanceValidationError) return false
    throw error
  }
}
