import { CODError, type SeriesMetadata } from "../../../cod/index.ts"
import { safe } from "../../../support/text.ts"

/** What pictures are of, in the words of their DICOM files: what is no patient's data. Each value once. */
export interface Subject {
  readonly modalities: readonly string[]
  readonly bodyParts: readonly string[]
  readonly views: readonly string[]
}

export const NO_SUBJECT: Subject = { modalities: [], bodyParts: [], views: [] }

/** Values have 16 characters by the standard (PS3.5, section 6.2, CS); what others wrote may have any number. */
const MOST_CHARACTERS = 24

/** Of these instances, as far as their DICOM JSON can be read. */
export function subjectOf({ instances }: SeriesMetadata, keys: readonly string[]): Subject {
  const all = keys.map((key) => tagsOf(instances.get(key)))
  const values = (tag: string) => [...new Set(all.flatMap((tags) => textOf(tags[tag]?.Value?.[0])))]
  return { modalities: values("00080060"), bodyParts: values("00180015"), views: values("00185101") }
}

function tagsOf(entry: ReturnType<SeriesMetadata["instances"]["get"]>) {
  try {
    return entry?.kind === "instance" ? entry.tags() : {}
  } catch (error) {
    // The pictures stand without words.
    if (error instanceof CODError) return {}
    throw error
  }
}

function textOf(value: unknown): readonly string[] {
  if (typeof value !== "string" || value.trim() === "") return []
  const text = safe(value.trim())
  return [text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text]
}
