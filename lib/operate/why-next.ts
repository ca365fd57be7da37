import type { Outlook, TroubledObject } from "../ledger/outlook.ts"
import type { Rule } from "../source/rows.ts"
import { plural } from "../support/text.ts"
import type { DatabaseSide } from "./why-database.ts"
import { packingSteps } from "./why-packing.ts"
import type { DestinationSide } from "./why-places.ts"
import { type NextStep, type StepOptions, step } from "./why-step.ts"

export interface Known {
  readonly studyId: string
  /** Undefined while the database cannot be asked. */
  readonly database: DatabaseSide | undefined
  /** Undefined for a study that the ledger does not know. */
  readonly outlook: Outlook | undefined
  /** Undefined while the destination cannot be asked. */
  readonly destination: DestinationSide | undefined
}

/** What will happen to a study next, the most certain first; never empty. */
export function nextSteps({ studyId, database, outlook, destination }: Known): NextStep[] {
  if (outlook === undefined) return [firstStep(studyId, database)]
  const steps = [...claimStep(outlook), ...discoveryStep(outlook, database)]
  const refusal = refusalStep(outlook, database)
  if (refusal !== undefined) steps.push(refusal)
  else {
    steps.push(...copySteps(studyId, outlook), ...givenUpStep(studyId, outlook))
    steps.push(...differenceStep(studyId, destination))
  }
  steps.push(...packingSteps(studyId, outlook.packing))
  if (steps.length === 0) steps.push(step("done", "it is complete"))
  if (database === undefined) steps.push(step("unknown", "what changed in the database could not be asked"))
  return steps
}

function firstStep(studyId: string, database: DatabaseSide | undefined): NextStep {
  if (database === undefined) {
    const what = "the ledger does not know it, and the rules could not be asked"
    return step("unknown", what, { command: `bun run why ${studyId}` })
  }
  const { failed } = database
  if (failed === "exists") return step("never", "neither the database nor the ledger knows it")
  if (failed !== null) return step("never", `it fails the rule ${failed}`, OTHERWISE[failed])
  return step("next run", "it is discovered, then copied", { command: `bun run copy ${studyId}` })
}

const BY_THE_PACS = { unless: "it changes in the PACS", command: "bun run discover" }

/** What has another verdict of a rule. */
const OTHERWISE: Readonly<Record<Rule, StepOptions>> = {
  exists: BY_THE_PACS,
  non_demo_organization: BY_THE_PACS,
  not_migrated: BY_THE_PACS,
  chest: BY_THE_PACS,
  has_cr_or_dx: BY_THE_PACS,
  no_other_modality: { unless: "TOLERATED_MODALITIES names the others", command: "bun run discover" },
  signed_report: { unless: "a report is signed", command: "bun run discover" },
  chosen_doctor: {
    unless: "RANK_FROM to RANK_TO has the rank of its doctor, or a pinned cohort the doctor",
    command: "bun run discover",
  },
}

function claimStep({ claim }: Outlook): NextStep[] {
  if (claim === undefined) return []
  const { runId, host, pid, expiresAt } = claim
  return [step("now", `run ${runId} works on it (${host}, pid ${pid}), its lease ends ${expiresAt}`)]
}

/** What the next discovery will find to have changed. */
function discoveryStep({ study }: Outlook, database: DatabaseSide | undefined): NextStep[] {
  if (database?.standing === undefined) return []
  const { standing, failed, study: source } = database
  if (standing.standing !== study.standing) {
    const as = standing.standing.replaceAll("_", " ")
    const because = failed === null ? "it satisfies every rule again" : `it fails the rule ${failed}`
    return [step("next run", `discovered as ${as}: ${because}`, { command: "bun run discover" })]
  }
  if (standing.standing !== "eligible" || source?.sourceHash === study.sourceHash) return []
  return [step("next run", "what changed in the database is queued", { command: "bun run discover" })]
}

/** Why nothing of it is copied, whatever there is to copy, once a discovery has looked. */
function refusalStep({ study }: Outlook, database: DatabaseSide | undefined): NextStep | undefined {
  const standing = database?.standing?.standing ?? study.standing
  const rule = (database?.standing === undefined ? study.standingReason : database.failed) as Rule | null
  if (standing === "eligible" || (standing === "out_of_cohort" && study.begunAt !== null)) return undefined
  const why = standing === "withdrawn" ? "withdrawn" : "out of cohort before a copy began"
  const what = `nothing more of it is copied: ${why}, by the rule ${rule}`
  return step("never", what, rule === null ? {} : OTHERWISE[rule])
}

/** What a copy would find to do. */
function copySteps(studyId: string, { study, objects, troubled, nextTryAt }: Outlook): NextStep[] {
  const waiting = objects
    .filter(({ state }) => state === "pending")
    .reduce((sum, { count }) => sum + count, 0)
  const failed = troubled.filter(({ verdict }) => verdict === "retry")
  const missing = troubled.filter(({ verdict }) => verdict === "missing")
  const command = `bun run copy ${studyId}`
  const steps = [
    ...(waiting > 0 ? [step("next run", `${plural(waiting, "waiting object")} copied`, { command })] : []),
    ...(failed.length > 0 ? [againStep(failed, command)] : []),
    ...(missing.length > 0 ? [missingStep(missing, command)] : []),
  ]
  if (study.verdict === "retry") {
    const what = `tried again as a whole, after ${study.errorClass}`
    steps.push(step("next run", what, { not_before: nextTryAt, command }))
  }
  if (steps.length === 0 && study.due === 1)
    steps.push(step("next run", "its receipt is written", { command }))
  return steps
}

function againStep(failed: readonly TroubledObject[], command: string): NextStep {
  const what = `${plural(failed.length, "failed object")} tried again`
  return step("next run", what, { not_before: earliest(failed), command })
}

function missingStep(missing: readonly TroubledObject[], command: string): NextStep {
  const since = missing.flatMap(({ missingSince }) => missingSince ?? []).sort()[0]
  const until = since === undefined ? "" : ` until ${new Date(Date.parse(since) + PATIENCE_MS).toISOString()}`
  const what = `${plural(missing.length, "missing object")} looked for${until}`
  return step("next run", what, { not_before: earliest(missing), command })
}

/** Afterwards a person has to ask for what is missing. */
const PATIENCE_MS = 30 * 86_400_000

function earliest(objects: readonly TroubledObject[]): string | null {
  return objects.flatMap(({ nextTryAt }) => nextTryAt ?? []).sort()[0] ?? null
}

function givenUpStep(studyId: string, { study, troubled }: Outlook): NextStep[] {
  const given = troubled.filter(({ verdict }) => verdict === "give-up")
  const what = [
    ...(given.length > 0 ? [`${plural(given.length, "object")} given up (${given[0]!.errorClass})`] : []),
    ...(study.verdict === "give-up" ? [`the study as a whole given up (${study.errorClass})`] : []),
  ]
  if (what.length === 0) return []
  const command = `bun run copy ${studyId} --retry-failed`
  return [step("never", `${what.join(", ")}: not tried again`, { unless: "the cause is mended", command })]
}

function differenceStep(studyId: string, destination: DestinationSide | undefined): NextStep[] {
  const differing = destination?.differing.length ?? 0
  if (differing === 0) return []
  return [
    step(
      "never",
      `${plural(differing, "copied object")} not at the destination as recorded: no copy looks again`,
      {
        command: `bun run verify ${studyId} --repair, then bun run copy ${studyId}`,
      },
    ),
  ]
}
