import { type Outlook, outlookOf } from "../../../ledger/outlook.ts"
import {
  type ObjectLine,
  objectLines,
  type SeriesLine,
  type StudyNotes,
  seriesCount,
  seriesLines,
  studyNotes,
  type TimelineEntry,
  timelineOf,
} from "../../../ledger/page/study.ts"
import { nextSteps } from "../../../operate/why-next.ts"
import type { NextStep } from "../../../operate/why-step.ts"
import type { PageRequest } from "../../page.ts"
import type { NotShown } from "../../series/not-shown.ts"
import { type SeriesSummary, summariesOf } from "../../series/summary.ts"

/** What the view of a study shows. */
export interface StudyData {
  readonly outlook: Outlook
  readonly notes: StudyNotes
  readonly next: readonly NextStep[]
  /** How many there are of which these are a part. */
  readonly seriesCount: number
  readonly series: Part<SeriesLine>
  /** What the datastore says of those that are packed, by their numbers. */
  readonly stored: ReadonlyMap<number, SeriesSummary | NotShown>
  readonly objects: Part<ObjectLine>
  readonly timeline: Part<TimelineEntry>
}

/** A part of a list that may be long. */
export interface Part<Line> {
  readonly lines: readonly Line[]
  /** Where it begins, as its address says it: 0 at the front of the list. */
  readonly from: number
  /** Where the next part does; undefined when this is the last one. */
  readonly next: number | undefined
}

/** So many of each are shown at a time. */
const SHOWN = { series: 12, objects: 100, timeline: 100 }

/** By the ledger, and as long as nobody has to wait for it by the datastore. Undefined for a study that nobody knows. */
export async function readStudy(request: PageRequest): Promise<StudyData | undefined> {
  const { deps, params, query, series, signal } = request
  const { ledger } = deps
  const studyId = params.studyId ?? ""
  const known = ledger.read(() => {
    const outlook = outlookOf(ledger, studyId)
    if (outlook === undefined) return undefined
    const skip = placeIn(query.get("series"))
    const from = placeIn(query.get("objects"))
    const more = (limit: number) => limit + 1
    return {
      outlook,
      notes: studyNotes(ledger, studyId),
      next: stepsOf(studyId, outlook),
      seriesCount: seriesCount(ledger, studyId),
      series: part(seriesLines(ledger, studyId, { skip, limit: more(SHOWN.series) }), skip, {
        limit: SHOWN.series,
        next: () => skip + SHOWN.series,
      }),
      objects: part(objectLines(ledger, studyId, { from, limit: more(SHOWN.objects) }), from, {
        limit: SHOWN.objects,
        next: ({ position }) => position,
      }),
      timeline: part(timelineOf(ledger, studyId, more(SHOWN.timeline)), 0, {
        limit: SHOWN.timeline,
        next: () => SHOWN.timeline,
      }),
    }
  })
  if (known === undefined) return undefined
  const packed = known.series.lines
    .filter(({ packedAt }) => packedAt !== null)
    .map(({ seriesNo }) => seriesNo)
  const summaries = await summariesOf(series, packed, signal)
  return { ...known, stored: new Map(packed.map((seriesNo, n) => [seriesNo, summaries[n]!])) }
}

/** The database is not asked: what changed there is the next discovery's to see, whoever looks at the page. */
function stepsOf(studyId: string, outlook: Outlook): NextStep[] {
  const steps = nextSteps({ studyId, outlook, database: undefined, destination: undefined })
  return steps.filter(({ when }) => when !== "unknown")
}

function placeIn(text: string | null): number {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : 0
}

/** @param lines one more than are shown, where there are more */
function part<Line>(
  lines: readonly Line[],
  from: number,
  { limit, next }: { readonly limit: number; readonly next: (first: Line) => number },
): Part<Line> {
  const behind = lines[limit]
  return { lines: lines.slice(0, limit), from, next: behind && next(behind) }
}
