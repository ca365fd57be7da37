import type { PacsRows } from "../../lib/demo/pacs-rows.ts"
import { dicom, noise } from "../cod/writing/files.ts"
import { chest, DOCTOR, originObjects } from "../support/chest.ts"
import { doctor, together } from "../support/pacs-study.ts"

/** What a hospital has, and what must be in its datastore once all of it is packed. */
export interface Archive {
  readonly rows: PacsRows
  /** By key, what the origin has. */
  readonly origin: ReadonlyMap<string, Uint8Array | string>
  readonly series: readonly ArchivedSeries[]
}

export interface ArchivedSeries {
  readonly studyUid: string
  readonly seriesUid: string
  /** Each file by its SOP Instance UID. */
  readonly instances: ReadonlyMap<string, Uint8Array>
  /** Whether two studies of the PACS have files of it, one of them in common. */
  readonly isShared: boolean
}

export interface ArchiveOptions {
  readonly series: number
  /** Whether every twelfth series is shared by two studies (true). */
  readonly shared?: boolean
  /** Whether there are two files more that cannot be packed (true): one is not DICOM, one ends amid its pixels. */
  readonly broken?: boolean
}

/** Above what a copy holds in memory: these go through the spool and resumable uploads. */
const LARGE_BYTES = 1_200_000

/** So many series of 1 to 6 instances in studies of 1 to 4 series; a body of every tenth series is large. */
export function archive({ series: count, shared = true, broken = true }: ArchiveOptions): Archive {
  const studies: Uint8Array[][] = []
  const all = Array.from({ length: count }, (_, n) => {
    if (STUDY_STARTS.includes(n % 10)) studies.push([])
    const one = seriesOf(n, studies.length, shared && n % 12 === 5)
    const files = [...one.instances.values()]
    const middle = files.length >> 1
    if (one.isShared) studies.at(-2)!.push(...files.slice(0, middle + 1))
    studies.at(-1)!.push(...files.slice(one.isShared ? middle : 0))
    return one
  })
  if (broken) studies[0]!.push(Buffer.from("no DICOM at all"), cutShort())
  return { series: all, ...hospitalOf(studies) }
}

/** The least that has it all: two studies with one file in common, a series of each kind, and a large body. */
export function smallArchive(): Archive {
  const shared = seriesOf(2, 1, true)
  const own = seriesOf(0, 1, false)
  const [first, second, third] = [...shared.instances.values()] as [Uint8Array, Uint8Array, Uint8Array]
  return {
    series: [shared, own],
    ...hospitalOf([
      [first, second, ...own.instances.values()],
      [second, third],
    ]),
  }
}

/** Of ten series the first of each study. */
const STUDY_STARTS = [0, 1, 3, 6]

const STUDY = "1.2.826.0.1.3680043.8.498.60"
const SERIES = "1.2.826.0.1.3680043.8.498.61"
const INSTANCE = "1.2.826.0.1.3680043.8.498.62"

function seriesOf(n: number, study: number, isShared: boolean): ArchivedSeries {
  const [studyUid, seriesUid] = [`${STUDY}.${study}`, `${SERIES}.${n}`]
  const files = Array.from({ length: 1 + (n % 6) }, (_, k) => {
    const instance = `${INSTANCE}.${n}.${k}`
    const pixels = noise(n % 10 === 2 && k === 0 ? LARGE_BYTES : 300 + 2 * k, 100 * n + k)
    return [instance, dicom({ study: studyUid, series: seriesUid, instance, pixels })] as const
  })
  return { studyUid, seriesUid, instances: new Map(files), isShared }
}

/** Its header is whole. */
function cutShort(): Uint8Array {
  const whole = dicom({ study: `${STUDY}.1`, series: `${SERIES}.0`, instance: `${INSTANCE}.0.99` })
  return whole.subarray(0, whole.length - 100)
}

function hospitalOf(studies: readonly (readonly Uint8Array[])[]): Pick<Archive, "rows" | "origin"> {
  const admitted = studies.map((files) => ({ files, study: chest({ images: files.map(() => ({})) }) }))
  const origin = admitted.flatMap(({ files, study }) => [
    ...originObjects(study),
    ...study.imageKeys.map((key, n) => [key, files[n]!] as const),
  ])
  return {
    rows: together(doctor(DOCTOR), ...admitted.map(({ study }) => study.rows)),
    origin: new Map(origin),
  }
}
