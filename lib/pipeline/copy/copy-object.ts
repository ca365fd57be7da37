import { type Attempt, assertClaimed, type Copied, isOwnAttempt } from "../../ledger/attempts.ts"
import type { Claim } from "../../ledger/claims.ts"
import { chosenDoctors } from "../../ledger/cohorts.ts"
import type { LedgerObject } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { Pacs } from "../../source/pacs.ts"
import { AccessDenied, PreconditionFailed } from "../../storage/errors.ts"
import type { ObjectInfo, ObjectSource, ObjectStore } from "../../storage/store.ts"
import { crc32cOfBody } from "../../transfer/checksum.ts"
import type { ReceiveOptions } from "../../transfer/receive.ts"
import { send } from "../../transfer/send.ts"
import { DestinationConflict, DestinationExistsUnreadable, SourceMissing } from "../errors.ts"
import { readHeaderOf } from "../ingest/header.ts"
import type { KeptFiles } from "../ingest/kept-files.ts"
import { objectKey, type StudyIds } from "../layout.ts"
import type { SeriesPlaces } from "../receipts/receipt-document.ts"
import type { ForeignObjects } from "./foreign-objects.ts"
import { fromOrigin, fromOriginOr, type Incoming } from "./incoming.ts"
import { metadataJson } from "./metadata.ts"
import { identityOf, recognise, unchangedInSeries } from "./recognise.ts"
import { originKeyOf } from "./source-of.ts"

/** What copying an object needs; all of it is opened and closed elsewhere. */
export interface CopyDeps {
  readonly ledger: Ledger
  readonly pacs: Pacs
  readonly origin: ObjectSource
  readonly destination: ObjectStore
  readonly receive: ReceiveOptions
  readonly foreign: ForeignObjects
  /** Where series are packed, for the receipts. */
  readonly series?: SeriesPlaces | undefined
  /** Where DICOM files stay that are to be packed from here. */
  readonly kept?: KeptFiles | undefined
}

/** What stands at the destination with its CRC32C, which every destination tells. */
type Standing = ObjectInfo

/**
 * Brings one object to the destination, once, verified. What stands there already is looked at only when there is a
 * reason to: an earlier try that ended without a word, something that we put there, an order to replace, a refused
 * create, or foreign objects that were met before.
 * @throws the error that ended the try; its verdict says what it means
 */
export async function copyObject(
  deps: CopyDeps,
  claim: Claim,
  attempt: Attempt,
  signal?: AbortSignal,
): Promise<Copied> {
  const { object } = attempt
  const key = objectKey(claim, object.path)
  const packed = await unchangedInSeries(deps, claim, object, signal)
  if (packed !== undefined) return packed
  const lookFirst = attempt.unsettled || object.generation !== null || object.forced === 1
  let standing = await (lookFirst
    ? glanceAt(deps.destination, key, signal)
    : deps.foreign.listedAt(claim, key, signal))
  if (standing !== undefined && object.forced === 0) {
    const { generation } = standing
    const seen = await recognise(deps, claim, object, standing, signal)
    if ("copied" in seen) return seen.copied
    // A listing may be old by now, and a conflict must not be.
    if (!lookFirst) standing = await glanceAt(deps.destination, key, signal)
    // What is known to differ and may not be replaced is not downloaded to find that out.
    const differs = standing?.generation === generation && seen.unlike !== "no_common_checksum"
    if (standing !== undefined && differs) replaceable(deps, { attempt, key }, standing)
  }
  using arrived = new DisposableStack()
  const incoming = arrived.use(await fetchIncoming(deps, claim, object, signal))
  const header = object.kind === "dicom" ? await readHeaderOf(incoming.body) : undefined
  const placed = await place(deps, { claim, attempt, key, incoming }, standing, signal)
  if (deps.kept !== undefined && object.kind === "dicom") {
    arrived.move()
    await deps.kept.keep(object, placed.crc32c, incoming)
  }
  const warning = header !== undefined && "error" in header && !header.isDicom ? header.error : undefined
  return { ...placed, sourceEtag: incoming.sourceEtag, warning, header }
}

/** Who may only create does not see what stands there: the precondition will tell whether something does. */
async function glanceAt(destination: ObjectStore, key: string, signal?: AbortSignal) {
  try {
    return await destination.head(key, signal)
  } catch (error) {
    if (!(error instanceof AccessDenied)) throw error
    return undefined
  }
}

function fetchIncoming(
  deps: CopyDeps,
  study: StudyIds,
  object: LedgerObject,
  signal?: AbortSignal,
): Promise<Incoming> {
  const { pacs, origin, receive } = deps
  const key = originKeyOf(study, object, origin.uri)
  switch (object.kind) {
    case "dicom":
      return fromOrigin(origin, key, receive, signal)
    case "report":
      return orMissing(
        fromOriginOr(origin, key, () => reportText(pacs, object.sourceId!, signal), receive, signal),
        study,
        object,
      )
    case "metadata":
      return orMissing(
        fromOriginOr(origin, key, () => metadataText(deps, study.studyId, signal), receive, signal),
        study,
        object,
      )
  }
}

async function reportText(pacs: Pacs, reportId: string, signal?: AbortSignal) {
  const text = await pacs.reportContent(reportId, signal)
  return text === undefined ? undefined : { text, uri: `postgresql:pacs_reports/${reportId}` }
}

async function metadataText({ pacs, ledger }: CopyDeps, studyId: string, signal?: AbortSignal) {
  const study = await pacs.study(studyId, chosenDoctors(ledger, studyId), signal)
  return study === undefined
    ? undefined
    : { text: metadataJson(study), uri: `postgresql:pacs_studies/${studyId}` }
}

async function orMissing(incoming: Promise<Incoming | undefined>, study: StudyIds, object: LedgerObject) {
  const found = await incoming
  if (found !== undefined) return found
  throw new SourceMissing("neither the origin nor the database has it", {
    study: study.studyId,
    object: object.path,
  })
}

interface Placement {
  readonly claim: Claim
  readonly attempt: Attempt
  readonly key: string
  readonly incoming: Incoming
}

/** How often a precondition may fail because somebody else is at the same key, before the try is given up. */
const MAX_RACES = 3

/** Creates, adopts or replaces, according to what stands there. */
async function place(
  deps: CopyDeps,
  placement: Placement,
  found: Standing | undefined,
  signal?: AbortSignal,
): Promise<Pick<Copied, "outcome" | "size" | "crc32c" | "generation" | "bytes">> {
  const { attempt, key, incoming } = placement
  let standing = found
  for (let race = 0; ; race++) {
    if (standing !== undefined && attempt.object.forced === 0) {
      const same = await sameContent(standing, incoming, signal)
      if (same !== undefined) return { outcome: "adopted", ...same, bytes: 0 }
    }
    const ifGeneration = standing === undefined ? "absent" : replaceable(deps, placement, standing)
    try {
      const options = { ...writeOptions(placement), ifGeneration }
      const written = await send(deps.destination, key, incoming.body, incoming.checksums, options, signal)
      return { outcome: "copied", ...identityOf(written, written.crc32c), bytes: incoming.size }
    } catch (error) {
      if (!(error instanceof PreconditionFailed) || race === MAX_RACES) throw error
      standing = await lookAt(deps.destination, key, signal)
      if (standing !== undefined && !isOwnAttempt(deps.ledger, attempt.object, standing.metadata.attempt))
        deps.foreign.met()
      // Whoever took the claim from us may have written what stands there: it is newer than ours.
      assertClaimed(deps.ledger, placement.claim)
    }
  }
}

/** A refused create is settled by looking, never by writing again blindly. */
async function lookAt(destination: ObjectStore, key: string, signal?: AbortSignal) {
  try {
    return await destination.head(key, signal)
  } catch (error) {
    if (!(error instanceof AccessDenied)) throw error
    throw new DestinationExistsUnreadable(
      "something stands at the destination and may not be read",
      { key },
      error,
    )
  }
}

async function sameContent(standing: Standing, incoming: Incoming, signal?: AbortSignal) {
  if (standing.size !== incoming.size || standing.crc32c === undefined) return undefined
  const crc32c = incoming.checksums.crc32c ?? (await crc32cOfBody(incoming.body, signal))
  return crc32c === standing.crc32c ? identityOf(standing, crc32c) : undefined
}

/**
 * The generation under which what stands there may be replaced: what we recorded, what carries our mark, or anything
 * when the operator asked for it.
 * @throws DestinationConflict
 */
function replaceable(
  { ledger }: CopyDeps,
  { attempt, key }: Pick<Placement, "attempt" | "key">,
  standing: Standing,
): string {
  const { object } = attempt
  const ours =
    object.generation === standing.generation || isOwnAttempt(ledger, object, standing.metadata.attempt)
  if (ours || object.forced === 1) return standing.generation
  throw new DestinationConflict("something else stands at the destination, and it is not ours", {
    key,
    generation: standing.generation,
    size: standing.size,
  })
}

const CONTENT_TYPES = {
  metadata: "application/json",
  report: "text/plain; charset=utf-8",
  dicom: "application/dicom",
} as const

function writeOptions({ claim, attempt, incoming }: Placement) {
  const { object } = attempt
  const metadata = {
    organization_id: claim.organizationId,
    study_id: claim.studyId,
    ...(object.seriesId !== null && { series_id: object.seriesId }),
    ...(object.sourceId !== null && {
      [object.kind === "report" ? "report_id" : "image_id"]: object.sourceId,
    }),
    source_uri: incoming.sourceUri,
    ...(incoming.sourceEtag !== undefined && { source_etag: incoming.sourceEtag }),
    attempt: attempt.id,
  }
  const encoding = incoming.contentEncoding === undefined ? {} : { contentEncoding: incoming.contentEncoding }
  return { contentType: CONTENT_TYPES[object.kind], ...encoding, metadata }
}
