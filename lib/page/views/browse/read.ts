import {
  type BrowseKey,
  type BrowsePage,
  browseStudies,
  recentModalities,
} from "../../../ledger/page/browse.ts"
import type { PageRequest } from "../../page.ts"
import { boundsOfDay, dayIn } from "./day.ts"

/** What the view shows. */
export interface BrowseData extends BrowsePage {
  readonly filter: WantedStudies
  /** Whether it begins behind others. */
  readonly isOlder: boolean
  /** To choose from. */
  readonly modalities: readonly string[]
}

/** What somebody looks for; absent is all. */
export interface WantedStudies {
  readonly day: string | undefined
  readonly doctorRank: number | undefined
  readonly modality: string | undefined
}

const PER_PAGE = 48

export function readBrowse({ deps: { ledger }, query, context }: PageRequest): BrowseData {
  const filter = wantedIn(query)
  const after = keyIn(query.get("after"))
  const { day, doctorRank, modality } = filter
  const bounds = day === undefined ? {} : boundsOfDay(day, context.timezone)
  const page = browseStudies(ledger, { ...bounds, doctorRank, modality }, { after, limit: PER_PAGE })
  const known = recentModalities(ledger)
  const modalities = modality === undefined || known.includes(modality) ? known : [...known, modality]
  return { ...page, filter, isOlder: after !== undefined, modalities }
}

/** What is no filter filters nothing. */
function wantedIn(query: URLSearchParams): WantedStudies {
  const rank = query.get("rank") ?? ""
  const modality = (query.get("modality") ?? "").trim().toUpperCase()
  return {
    day: dayIn(query.get("day")),
    doctorRank: /^\d{1,6}$/.test(rank) ? Number(rank) : undefined,
    modality: /^[A-Z0-9_]{1,16}$/.test(modality) ? modality : undefined,
  }
}

/** A key as addresses have it. */
export function keyText({ signedAt, studyId }: BrowseKey): string {
  return `${signedAt}~${studyId}`
}

function keyIn(text: string | null): BrowseKey | undefined {
  const [, signedAt = "", studyId = ""] = /^([^~]{0,40})~(.{1,200})$/s.exec(text ?? "") ?? []
  return studyId === "" ? undefined : { signedAt, studyId }
}
