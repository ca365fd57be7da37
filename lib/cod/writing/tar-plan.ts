import { crc32c, crc32cToBase64, EMPTY_CRC32C } from "../../support/checksums.ts"
import { TarValidationError } from "../errors.ts"
import { memberName } from "../format/layout.ts"
import { changeInstance } from "../format/metadata/instance-text.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import { BLOCK, type TarMember } from "../format/tar/member.ts"
import { endOfTar, entryHeader, placeEntry } from "../format/tar/write.ts"
import { rangeOf } from "../reading/instance-bytes.ts"
import type { Series } from "../reading/series.ts"
import type { Draft } from "./draft.ts"
import {
  bytesOf,
  bytesPiece,
  joinPieces,
  madePiece,
  type Piece,
  storedPiece,
  storedPieces,
} from "./pieces.ts"
import type { StoredTar } from "./stored-tar.ts"

/** A tar that is to be uploaded: where everything will lie, known before a byte is moved. */
export interface TarPlan {
  readonly bytes: Piece
  /** Where the members end, and the CRC32C of all up to there: what a next append begins with. */
  readonly open: { readonly end: number; readonly crc32c: string }
  /** All of them, in the order of the tar. */
  readonly members: readonly TarMember[]
  /** Of the instances that come to lie elsewhere than their record says. */
  readonly moved: ReadonlyMap<string, InstanceRecord>
}

export interface PlanTerms {
  /** Of members that are added. */
  readonly now: Date
  /** Whether members that no metadata knows give way to added ones of their name: a write left them that was cut off. */
  readonly replaceLeftOvers?: boolean
}

/**
 * Plans the tar that a draft needs. As long as nothing goes, what is stored stays where it is and new members follow;
 * otherwise all are packed anew, in the order of the metadata, and what no metadata knows behind them.
 */
export async function planTar(
  series: Series,
  draft: Draft,
  stored: StoredTar | undefined,
  { now, replaceLeftOvers = false }: PlanTerms,
  signal?: AbortSignal,
): Promise<TarPlan> {
  const stays = stored?.open !== undefined && draft.removed.size === 0 && !draft.dropOrphans
  if (!stays) return await repackPlan(series, draft, stored, now, signal)
  if (replaceLeftOvers && holdsNamesakes(stored, draft)) {
    const plan = await repackPlan(series, draft, stored, now, signal)
    // Until new metadata stand, readers go by those of which an instance must not have moved.
    if (plan.moved.keys().every((key) => draft.added.has(key))) return plan
  }
  return appendPlan(series, draft, stored, stored.open, now)
}

function holdsNamesakes({ members }: StoredTar, { added }: Draft): boolean {
  const names = new Set([...added.keys()].map(memberName))
  return members.some(({ name }) => names.has(name))
}

function appendPlan(
  series: Series,
  draft: Draft,
  { info, members }: StoredTar,
  { end, crc32c }: NonNullable<StoredTar["open"]>,
  now: Date,
): TarPlan {
  const tar = assemble(end, members)
  tar.pieces.push(storedPiece(series.tar, info.generation, { start: 0, end }, crc32c))
  for (const [key, data] of draft.added) tar.add(memberName(key), data, now.getTime() / 1000)
  return finished(tar, draft)
}

async function repackPlan(
  series: Series,
  draft: Draft,
  stored: StoredTar | undefined,
  now: Date,
  signal?: AbortSignal,
): Promise<TarPlan> {
  const tar = assemble(0, [])
  const byStart = new Map(stored?.members.map((member) => [member.start, member]))
  const pieceOf = stored && storedPieces(series.tar, stored.info)
  for (const [key, entry] of draft.instances) {
    const data = draft.added.get(key)
    // Where it lies cannot be known, so that it cannot be moved.
    if (entry.kind === "unreadable") throw entry.problem
    const mtime = data === undefined ? byStart.get(entry.startByte)?.mtime : undefined
    const piece = data ?? pieceOf?.(rangeOf(entry), entry.crc32c)
    if (piece === undefined) throw missingTar(series, key)
    tar.add(memberName(key), piece, mtime ?? now.getTime() / 1000)
  }
  for (const orphan of draft.dropOrphans ? [] : orphansOf(draft, stored)) {
    tar.add(orphan.name, await unknownPiece(pieceOf!, orphan, signal), orphan.mtime)
  }
  return finished(tar, draft)
}

function missingTar({ uri }: Series, key: string): TarValidationError {
  return new TarValidationError(`${uri}: the tar of ${key} is missing`, {
    facts: { series: uri, key },
    hint: "Restore the tar, or remove the instances that are lost with it; `cod check` names them.",
  })
}

/** Files that no metadata knows: what others lost may still be saved from there. */
function orphansOf({ instances, removed }: Draft, stored: StoredTar | undefined): TarMember[] {
  const known = new Set([...instances.keys(), ...removed].map(memberName))
  return (stored?.members ?? []).filter(({ name, type }) => type === "file" && !known.has(name))
}

/** A range of which nobody knows the CRC32C. */
async function unknownPiece(
  pieceOf: ReturnType<typeof storedPieces>,
  { start, size }: TarMember,
  signal?: AbortSignal,
): Promise<Piece> {
  const range = { start, end: start + size }
  const bytes = bytesOf(pieceOf(range, EMPTY_CRC32C))
  let checksum = 0
  for (let at = 0; at < size; at += READ_BYTES) {
    checksum = crc32c(await bytes.read(at, Math.min(size, at + READ_BYTES), signal), checksum)
  }
  return pieceOf(range, crc32cToBase64(checksum))
}

const READ_BYTES = 8 << 20

const ZEROS = new Uint8Array(BLOCK)

interface Assembly {
  readonly pieces: Piece[]
  readonly members: TarMember[]
  /** Where those that were added lie, by name. */
  readonly places: Map<string, number>
  add(name: string, data: Piece, mtime: number): void
}

/** A tar that grows from `position` on, behind these members, which stay where they are. */
function assemble(position: number, before: readonly TarMember[]): Assembly {
  const pieces: Piece[] = []
  const members = [...before]
  const places = new Map<string, number>()
  let end = position
  return {
    pieces,
    members,
    places,
    add(name, data, mtime) {
      const entry = { name, size: data.size, mtime }
      const { header, padding, member } = placeEntry(entry, end)
      pieces.push(
        madePiece(() => entryHeader(entry), header),
        data,
        bytesPiece(ZEROS.subarray(0, padding.length)),
      )
      members.push(member)
      places.set(name, member.start)
      end = member.end
    },
  }
}

/** A member that was there before says nothing of an instance of its name: of several the metadata may mean any. */
function finished({ pieces, members, places }: Assembly, { instances }: Draft): TarPlan {
  const moved = new Map<string, InstanceRecord>()
  for (const [key, entry] of instances) {
    const start = places.get(memberName(key))
    if (entry.kind === "unreadable" || start === undefined || start === entry.startByte) continue
    moved.set(key, changeInstance(entry, { startByte: start, endByte: start + entry.size }))
  }
  const data = joinPieces(pieces)
  const bytes = joinPieces([data, bytesPiece(endOfTar(data.size))])
  return { bytes, open: { end: data.size, crc32c: data.crc32c }, members, moved }
}
