import type { FailureKind, FailureLine, FailureVerdict } from "../../../ledger/page/failures.ts"
import { count } from "../../../support/text.ts"
import type { Tone } from "../../parts/panel.ts"

/** What becomes of failures by themselves. */
export const VERDICTS: Readonly<
  Record<FailureVerdict, { readonly heading: string; readonly note: string; readonly tone: Tone }>
> = {
  "give-up": {
    heading: "Given up until somebody asks",
    note: "Trying again changes nothing before the cause is mended.",
    tone: "bad",
  },
  retry: {
    heading: "Tried again by the next run",
    note: "The cause may pass by itself; nobody has to do anything.",
    tone: "warn",
  },
  missing: {
    heading: "Looked for again by every run",
    note: "Not at the origin yet; looked for during 30 days, then given up.",
    tone: "warn",
  },
}

const KINDS: Readonly<Record<FailureKind, readonly [one: string, many: string]>> = {
  object: ["object", "objects"],
  study: ["study as a whole", "studies as a whole"],
  header: ["file without a series", "files without a series"],
  image: ["image that its series did not take", "images that their series did not take"],
  series: ["series", "series"],
  thumbnail: ["thumbnail", "thumbnails"],
}

/** `1 object`, `12 thumbnails`. */
export function kindsText(kind: FailureKind, n: number): string {
  return `${count(n)} ${KINDS[kind][n === 1 ? 0 : 1]}`
}

/** What kind of thing failed. */
export function kindText(kind: FailureKind): string {
  return KINDS[kind][0]
}

/** What happens next, or has to be done, in the words of the view `failures`. */
export function whatNext(line: FailureLine): string {
  const { kind, verdict, lock, isQueued, isConflict, missingSince, studyId } = line
  if (kind === "series" && lock === "hangs") return "its lock hangs, and a person has to look first"
  if (kind === "series" && lock === "open") return "somebody packs it, or the next run settles its lock"
  if (verdict === "retry") return "tried again by the next run"
  if (isQueued) return "queued: packed again by the next run"
  if (verdict === "missing")
    return `looked for again by every run for 30 days after ${missingSince?.slice(0, 10)}`
  const step = kind === "object" || kind === "study" ? "copy" : "ingest"
  const command = `bun run ${step} ${studyId === null ? "" : `${studyId} `}--retry-failed`
  if (kind === "header") return `no series can hold it; when the file is mended: ${command}`
  if (isConflict)
    return `the series keeps the other image; to take this one: bun run cod remove that one, then: ${command}`
  if (kind === "thumbnail")
    return `the series is packed, its thumbnail is missing; mend the cause, then: ${command}`
  return `mend the cause, then: ${command}`
}
