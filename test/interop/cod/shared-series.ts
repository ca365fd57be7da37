import { expect } from "bun:test"
import type { MetadataVersion } from "../../../lib/cod/format/metadata/types.ts"
import {
  CODObject,
  type CODObjectOptions,
  type Instance,
  type SeriesPlace,
  seriesUri,
  withCODObject,
} from "../../../lib/cod/index.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { described } from "./described.ts"
import type { Peer, PeerSeries } from "./peer.ts"
import { hashedUid, instanceOf, makeSources, type Source } from "./sources.ts"

/** What a series is made of. */
export interface SharedKind {
  readonly bucket: string
  /** One of `SHAPES` in `sources.py`. */
  readonly shape: string
  /** Any text, for its own series. */
  readonly name: string
  readonly hashed?: boolean
  /** Of what we write. */
  readonly metadataVersion?: MetadataVersion
}

/** A series that two write by turns: we and the Python package (`peer.py`, or another script with its commands). */
export interface SharedSeries {
  readonly place: SeriesPlace
  /** `D/studies/ST/series/SE` */
  readonly uri: string
  /** SHA-256 of what must be stored, by key, in the order in which it came. */
  readonly stored: ReadonlyMap<string, string>
  /** Opens it under its lock, and syncs at the end. */
  write(work: (writer: Writer) => Promise<void>): Promise<void>
  /** The package appends so many new instances in a session of its own. */
  theyAppend(peer: Peer, count: number): Promise<void>
  /** Both read the same, it is sound for both, and the bytes are those that were put in. */
  agree(peer: Peer): Promise<PeerSeries>
}

export interface Writer {
  readonly cod: CODObject
  /** Appends so many new instances. */
  append(count: number): Promise<void>
  /** Hands in another file with the UID of the first instance. @returns its URI */
  appendOther(): Promise<string>
  remove(...keys: string[]): Promise<void>
  truncate(...keys: string[]): Promise<void>
}

/** @param maker makes the files */
export async function sharedSeries(maker: Peer, store: ObjectStore, kind: SharedKind): Promise<SharedSeries> {
  const { bucket, shape, name, metadataVersion = "2.0" } = kind
  const hash = kind.hashed ? hashedUid : undefined
  const named = (uid: string) => hash?.(uid) ?? uid
  const make = (first: number, patient = "interop") =>
    makeSources(maker, { bucket, shape, series: name, first, count: BATCH, patient })
  const waiting = await make(1)
  let made = BATCH
  const [{ study_uid, series_uid }] = waiting as [Source]
  const place = {
    datastore: `gs://${bucket}/${encodeURIComponent(name)}`,
    studyUid: named(study_uid),
    seriesUid: named(series_uid),
  }
  const hashedUids = hash !== undefined
  const options: CODObjectOptions = {
    ...place,
    ...{ store, lock: true, hashedUids, uidHashFunc: hash, metadataVersion },
  }
  const stored = new Map<string, string>()

  const take = async (count: number) => {
    while (waiting.length < count) {
      waiting.push(...(await make(made + 1)))
      made += BATCH
    }
    return waiting.splice(0, count)
  }
  const note = (sources: readonly Source[]) => {
    for (const { instance_uid, sha256 } of sources) stored.set(named(instance_uid), sha256)
  }
  const instance = (source: Source): Instance => instanceOf(source, store, hash)

  const writer = (cod: CODObject): Writer => ({
    cod,
    async append(count) {
      const sources = await take(count)
      const instances = sources.map(instance)
      expect(await cod.append(instances)).toEqual({ new: instances, same: [], conflict: [], errors: [] })
      note(sources)
    },
    async appendOther() {
      const [source] = await make(1, "another")
      const other = instance(source!)
      expect(await cod.append([other])).toEqual({ new: [], same: [], conflict: [other], errors: [] })
      return source!.uri
    },
    async remove(...keys) {
      await cod.remove(keys)
      for (const key of keys) stored.delete(key)
    },
    async truncate(...keys) {
      await cod.truncate(keys)
      for (const key of [...stored.keys()]) if (!keys.includes(key)) stored.delete(key)
    },
  })

  return {
    place,
    uri: seriesUri(place),
    stored,
    async write(work) {
      await withCODObject({ ...options, syncOnExit: true }, (cod) => work(writer(cod)))
    },
    async theyAppend(peer, count) {
      const sources = await take(count)
      const uris = sources.map(({ uri }) => uri)
      const result = await peer.ask("append", { ...inPython({ place }), hashed_uids: hashedUids, uris })
      expect(result).toEqual({ new: count, same: 0, conflict: 0, errors: [] })
      note(sources)
    },
    async agree(peer) {
      const theirs = await peer.ask<PeerSeries>("read", inPython({ place }))
      await using cod = await CODObject.open({ ...place, store, lock: false })
      expect(theirs).toEqual({ ...(await described(cod)), integrity_check: "ok" })
      const hashes = Object.entries(theirs.instances).map(([key, { sha256 }]) => [key, sha256] as const)
      expect(new Map(hashes)).toEqual(stored)
      await cod.integrityCheck()
      return theirs
    },
  }
}

/** Files are made by the dozen. */
const BATCH = 12

/** A series' place in the package's words. */
export function inPython({
  place: { datastore, studyUid: study_uid, seriesUid: series_uid },
}: Pick<SharedSeries, "place">) {
  return { datastore, study_uid, series_uid }
}

/** Of the entries of all instances that are stored. */
export async function versionsOf(place: SeriesPlace, store: ObjectStore): Promise<ReadonlySet<string>> {
  await using cod = await CODObject.open({ ...place, store, lock: false })
  const instances = await cod.getInstances({ strictSorting: false })
  return new Set(instances.values().map(({ record }) => record!.version))
}
