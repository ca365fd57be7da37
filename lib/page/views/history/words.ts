import { bytes, count, plural } from "../../../support/text.ts"

/** What is told of a number, by its name; nothing where it says what stands beside it anyway. */
const TOLD: Readonly<Record<string, (n: number) => string | undefined>> = {
  studies: (n) => plural(n, "study", "studies"),
  succeeded: (n) => `${count(n)} complete`,
  dicom_files_uploaded: (n) => plural(n, "DICOM file"),
  reports_uploaded: (n) => plural(n, "report"),
  metadata_uploaded: (n) => `${count(n)} metadata`,
  skipped: (n) => `${count(n)} there already`,
  bytes: (n) => bytes(n),
  seconds: () => undefined,
  series: (n) => plural(n, "series", "series"),
  instances_new: (n) => plural(n, "new instance"),
  instances_same: () => undefined,
  instances_conflict: (n) => `${count(n)} in conflict`,
  thumbnails_made: () => undefined,
  thumbnails_failed: (n) => `${plural(n, "thumbnail")} failed`,
  objects: (n) => plural(n, "object"),
  problems: (n) => plural(n, "problem"),
  queued: (n) => `${count(n)} queued again`,
  warnings: (n) => plural(n, "warning"),
  left_studies: (n) => `${plural(n, "study", "studies")} left`,
  left_objects: () => undefined,
  left_bytes: (n) => `${bytes(n)} left`,
}

/** More nobody reads. */
const MOST = 9

/**
 * What a run reported, in words: `12 studies, 11 complete, 1 failed, 3.4 GB`. What is none is left out.
 * @param counts JSON object, of numbers and words by name; what is none is shown as nothing
 */
export function wordsOf(counts: string | null): string {
  const told = Object.entries(parsed(counts)).flatMap(([name, value]) => phraseOf(name, value) ?? [])
  return told.slice(0, MOST).join(", ")
}

function phraseOf(name: string, value: unknown): string | undefined {
  const words = name.replaceAll("_", " ")
  if (typeof value === "string") return `${words} ${value.replaceAll("_", " ")}`
  if (typeof value !== "number" || value === 0) return undefined
  const tell = TOLD[name]
  return tell === undefined ? `${count(value)} ${words}` : tell(value)
}

/** Nothing of what is no JSON object: somebody else has written it. */
function parsed(counts: string | null): object {
  try {
    const value: unknown = JSON.parse(counts ?? "{}")
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
