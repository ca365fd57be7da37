import type { Ledger } from "../../ledger/open.ts"
import { type LedgerStudy, studyById } from "../../ledger/studies.ts"
import { organizations, studiesOf } from "../../ledger/study-lists.ts"
import type { ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { UsageError } from "../../support/errors.ts"
import { RECEIPTS_FOLDER, receiptKey, type StudyIds, studyPrefix } from "../layout.ts"

/** A study of the ledger with what the destination lists of it. */
export interface ListedStudy {
  readonly study: LedgerStudy
  /** By path behind the study's prefix. */
  readonly found: ReadonlyMap<string, ObjectInfo>
  readonly receipt: ObjectInfo | undefined
}

interface Listing {
  readonly ledger: Ledger
  readonly destination: ObjectSource
}

/**
 * Studies with their listings: all of them by whole list pages, an organization at a time, in memory one study at a
 * time; named or sampled ones by a listing each.
 * @throws UsageError for an id that the ledger does not know
 */
export async function* listedStudies(
  listing: Listing,
  choice: { readonly studyIds?: readonly string[]; readonly sample?: number | undefined },
  signal: AbortSignal,
): AsyncGenerator<ListedStudy> {
  const { ledger } = listing
  const { studyIds = [], sample } = choice
  if (studyIds.length > 0) {
    for (const id of studyIds) yield await listOne(listing, known(ledger, id), signal)
    return
  }
  for (const organizationId of organizations(ledger)) {
    const studies = studiesOf(ledger, organizationId)
    if (sample === undefined) yield* listAll(listing, organizationId, studies, signal)
    else
      for (const study of studies) if (isSampled(study, sample)) yield await listOne(listing, study, signal)
  }
}

/** Ids of named or sampled studies, as they are chosen above; undefined for all. */
export function chosenStudies(
  ledger: Ledger,
  { studyIds = [], sample }: { readonly studyIds?: readonly string[]; readonly sample?: number | undefined },
): Iterable<string> | undefined {
  if (studyIds.length > 0) return studyIds
  return sample === undefined ? undefined : sampledStudies(ledger, sample)
}

function* sampledStudies(ledger: Ledger, sample: number): Generator<string> {
  for (const organizationId of organizations(ledger)) {
    for (const study of studiesOf(ledger, organizationId)) if (isSampled(study, sample)) yield study.studyId
  }
}

/** What a store lists of one study, by path behind the study's prefix. */
export async function listStudy(
  store: ObjectSource,
  study: StudyIds,
  signal?: AbortSignal,
): Promise<Map<string, ObjectInfo>> {
  const prefix = studyPrefix(study)
  const found = new Map<string, ObjectInfo>()
  for await (const info of store.list(prefix, signal)) found.set(info.key.slice(prefix.length), info)
  return found
}

/** @throws UsageError */
export function known(ledger: Ledger, studyId: string): LedgerStudy {
  const study = studyById(ledger, studyId)
  if (study === undefined)
    throw new UsageError(`the ledger does not know study ${studyId}`, "Run discover first.")
  return study
}

async function listOne(
  { destination }: Listing,
  study: LedgerStudy,
  signal: AbortSignal,
): Promise<ListedStudy> {
  const found = await listStudy(destination, study, signal)
  const key = receiptKey(study)
  for await (const receipt of destination.list(key, signal)) {
    if (receipt.key === key) return { study, found, receipt }
  }
  return { study, found, receipt: undefined }
}

/** Three sorted sequences, merged: the ledger's studies, the listing of their objects, the listing of their receipts. */
async function* listAll(
  { destination }: Listing,
  organizationId: string,
  studies: Iterable<LedgerStudy>,
  signal: AbortSignal,
): AsyncGenerator<ListedStudy> {
  await using objects = ahead(destination.list(`${organizationId}/`, signal))
  await using receipts = ahead(destination.list(`${RECEIPTS_FOLDER}${organizationId}/`, signal))
  for (const study of studies) {
    const prefix = studyPrefix(study)
    const found = new Map<string, ObjectInfo>()
    await objects.skipWhile((info) => info.key < prefix)
    for (let info = await objects.peek(); info?.key.startsWith(prefix); info = await objects.peek()) {
      found.set(info.key.slice(prefix.length), info)
      objects.advance()
    }
    const key = receiptKey(study)
    await receipts.skipWhile((info) => info.key < key)
    const receipt = await receipts.peek()
    yield { study, found, receipt: receipt?.key === key ? receipt : undefined }
  }
}

/** Looks one item ahead in a sequence. */
function ahead(items: AsyncIterable<ObjectInfo>) {
  const iterator = items[Symbol.asyncIterator]()
  let next: Promise<ObjectInfo | undefined> | undefined
  const peek = () => {
    next ??= iterator.next().then((step) => (step.done === true ? undefined : step.value))
    return next
  }
  const advance = () => {
    next = undefined
  }
  return {
    peek,
    advance,
    async skipWhile(condition: (info: ObjectInfo) => boolean) {
      for (let info = await peek(); info !== undefined && condition(info); info = await peek()) advance()
    },
    async [Symbol.asyncDispose]() {
      await iterator.return?.()
    },
  }
}

/** By a hash of the id: the same percentage chooses the same studies, a larger one those and more. */
function isSampled({ studyId }: LedgerStudy, percent: number): boolean {
  const hash = new Bun.CryptoHasher("sha256").update(studyId).digest()
  return hash.readUInt32BE(0) / 2 ** 32 < percent / 100
}
