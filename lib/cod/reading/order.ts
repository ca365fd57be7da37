import { CODError } from "../errors.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"

/** InstanceNumber, then SliceLocation (PS3.3, sections C.7.6.1 and C.7.6.2). */
const SORT_TAGS = ["00200013", "00201041"] as const

/**
 * Instances in the order of the first of these attributes that every one of them has a number in. Those with equal
 * numbers stay as they are to each other.
 * @returns undefined when none of the attributes is in all of them
 */
export function sorted(records: readonly InstanceRecord[]): readonly InstanceRecord[] | undefined {
  if (records.length < 2) return records
  const all = records.map((record) => ({ record, numbers: sortNumbers(record) }))
  for (const at of SORT_TAGS.keys()) {
    const numberOf = ({ numbers }: (typeof all)[number]) => numbers[at]
    if (all.some((item) => numberOf(item) === undefined)) continue
    return all.toSorted((a, b) => numberOf(a)! - numberOf(b)!).map(({ record }) => record)
  }
  return undefined
}

function sortNumbers(record: InstanceRecord): readonly (number | undefined)[] {
  try {
    const tags = record.tags()
    return SORT_TAGS.map((tag) => asNumber(tags[tag]?.Value?.[0]))
  } catch (error) {
    // Metadata of one instance that cannot be read leaves it without a place in an order, no more.
    if (error instanceof CODError) return []
    throw error
  }
}

/** What others wrote may have digits where DICOM JSON has a number. */
function asNumber(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) ? number : undefined
}
