import { plural } from "../../../support/text.ts"

const NAMES: Readonly<Record<string, string>> = {
  rank_from: "first rank that is chosen",
  rank_to: "last rank that is chosen",
  tolerated_modalities: "modalities tolerated beside CR and DX",
  pinned_cohort: "cohort whose doctors stay the chosen ones",
  limit: "at most so many studies",
  study_ids: "only these studies",
}

/** More than these are counted. */
const NAMED = 6

/** What a parameter of a discovery is; one of another version of the program by its name. */
export function parameterName(name: string): string {
  return NAMES[name] ?? name.replaceAll("_", " ")
}

/** A parameter's value in a few words. */
export function valueText(value: unknown): string {
  if (!Array.isArray(value)) return String(value ?? "none")
  if (value.length > NAMED) return plural(value.length, "of them", "of them")
  return value.length === 0 ? "none" : value.map(String).join(", ")
}
