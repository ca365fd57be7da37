import { type Hints, Instance, type UidHashFunc } from "../../../lib/cod/index.ts"
import type { ObjectSource } from "../../../lib/storage/store.ts"
import type { Peer } from "./peer.ts"

/** A DICOM file in the bucket, as `sources.py` made it. */
export interface Source {
  readonly uri: string
  readonly size: number
  readonly crc32c: string
  /** Lower-case hexadecimal. */
  readonly sha256: string
  readonly instance_uid: string
  readonly series_uid: string
  readonly study_uid: string
}

export interface SourcesOptions {
  readonly bucket: string
  /** One of `SHAPES` there. */
  readonly shape: string
  /** Any text: the files of one text are of one series. */
  readonly series: string
  /** Number of the first one; InstanceNumber. */
  readonly first: number
  readonly count: number
  /** Another one makes other bytes of the same UID. */
  readonly patient?: string
}

export async function makeSources(peer: Peer, options: SourcesOptions): Promise<Source[]> {
  return await peer.ask("sources", { ...options })
}

/** As we append it. */
export function instanceOf(
  { uri }: Pick<Source, "uri">,
  store: ObjectSource,
  uidHashFunc?: UidHashFunc,
): Instance {
  return new Instance({ dicomUri: uri, store, uidHashFunc })
}

/** All that can be known of a file before it is read. */
export function hintsOf(source: Source): Required<Hints> {
  return {
    size: source.size,
    crc32c: source.crc32c,
    instanceUid: source.instance_uid,
    seriesUid: source.series_uid,
    studyUid: source.study_uid,
  }
}

/** The same function as `hashed` in `sources.py`: 128 bits of SHA-256 as a UID (PS3.5, section B.2). */
export function hashedUid(uid: string): string {
  const digest = new Bun.CryptoHasher("sha256").update(`('hashed', '${uid}')`).digest("hex")
  return `2.25.${BigInt(`0x${digest.slice(0, 32)}`)}`
}
