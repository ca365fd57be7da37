import { pathToFileURL } from "node:url"
import { Instance, ingest } from "../../lib/cod/index.ts"
import { pinDatastore } from "../../lib/ledger/cod/datastore.ts"
import type { HeaderResult } from "../../lib/ledger/cod/headers.ts"
import { SERIES_ROUTES } from "../../lib/page/series/routes.ts"
import type { Site } from "../../lib/page/server.ts"
import { browseView } from "../../lib/page/views/browse/browse.ts"
import { imageView } from "../../lib/page/views/study/image.ts"
import { seriesView } from "../../lib/page/views/study/series.ts"
import { studyView } from "../../lib/page/views/study/study.ts"
import { dicomFile, explicit, uint16 } from "../cod/format/dicom/build.ts"
import type { TestLedger } from "../support/ledger.ts"
import { copied, header, pack } from "../support/packing-ledger.ts"
import { openTestPage, type TestPage } from "./access/pages.ts"

/** What is in the headers of these images and must be nowhere on the page. */
export const PERSONAL = ["DOE^JANE", "PAT-4711", "19700131", "ST MERCY", "PRIVATE WORDS", "Nodule seen by"]

/** What is in them to break pages. */
export const SCRIPT = "<script>alert(1)</script>"

export interface ImageParts {
  readonly frames?: number
  readonly rows?: number
  readonly columns?: number
  readonly view?: string
  readonly manufacturer?: string
  readonly burnedIn?: "YES" | "NO"
}

/** An image with a gradient, and with a header full of what is personal and of what is hostile. */
export function hostileImage(
  uids: { study: string; series: string; instance: string },
  parts: ImageParts = {},
) {
  const {
    frames = 1,
    rows = 40,
    columns = 30,
    view = "PA",
    manufacturer = "Phantom Works",
    burnedIn = "NO",
  } = parts
  const text = (tag: number, vr: string, value: string) =>
    explicit(tag, vr, value.length % 2 === 0 ? value : value + (vr === "UI" ? "\0" : " "))
  const pixels = Uint8Array.from({ length: frames * rows * columns }, (_, i) => (i * 7) % 256)
  return dicomFile([
    text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.1"),
    text(0x00080018, "UI", uids.instance),
    text(0x00080060, "CS", "DX"),
    text(0x00080070, "LO", manufacturer),
    text(0x00080080, "LO", "ST MERCY"),
    text(0x0008103e, "LO", `PRIVATE WORDS ${SCRIPT}`),
    explicit(0x00090010, "LO", "PRIVATE WORDS "),
    text(0x00100010, "PN", "DOE^JANE"),
    text(0x00100020, "LO", "PAT-4711"),
    text(0x00100030, "DA", "19700131"),
    text(0x00180015, "CS", "CHEST"),
    text(0x00185101, "CS", view),
    text(0x0020000d, "UI", uids.study),
    text(0x0020000e, "UI", uids.series),
    text(0x00200013, "IS", uids.instance.split(".").at(-1)!),
    text(0x00204000, "LT", "Nodule seen by Dr. Jane Doe"),
    explicit(0x00280002, "US", uint16(1)),
    text(0x00280004, "CS", "MONOCHROME2"),
    text(0x00280008, "IS", String(frames)),
    explicit(0x00280010, "US", uint16(rows)),
    explicit(0x00280011, "US", uint16(columns)),
    explicit(0x00280100, "US", uint16(8)),
    explicit(0x00280101, "US", uint16(8)),
    explicit(0x00280102, "US", uint16(7)),
    explicit(0x00280103, "US", uint16(0)),
    text(0x00280301, "CS", burnedIn),
    explicit(0x7fe00010, "OB", pixels),
  ])
}

/** A page over a ledger that packs into a folder. */
export interface SeriesPage extends TestPage {
  readonly datastore: string
  /**
   * Copies and packs a study of one series, its images in the order of their parts.
   * @returns the number of the series
   */
  packed(studyId: string, studyUid: string, images: readonly ImageParts[]): Promise<number>
}

export async function openSeriesPage(bench: TestLedger): Promise<SeriesPage> {
  const folder = bench.dir.file("datastore")
  const datastore = pathToFileURL(folder).href
  pinDatastore(bench.ledger, { uri: datastore, uidHash: null })
  const page = await openTestPage({}, { bench, site: PICTURES })
  return {
    ...page,
    datastore,
    async packed(studyId, studyUid, images) {
      const headers = images.map((_, n) => header(studyUid, n + 1))
      await store(bench, datastore, headers, images)
      copied(bench, studyId, headers)
      pack(
        bench,
        studyId,
        headers.map(() => "new" as const),
      )
      const { db } = bench.ledger
      db.query("update cod_series set thumbnail = 'made' where study_uid = ?").run(studyUid)
      return db
        .query<{ n: number }, string>("select series_no as n from cod_series where study_uid = ?")
        .get(studyUid)!.n
    },
    [Symbol.asyncDispose]: () => page[Symbol.asyncDispose](),
  }
}

async function store(
  { dir }: TestLedger,
  datastore: string,
  headers: readonly HeaderResult[],
  images: readonly ImageParts[],
) {
  const instances = await Promise.all(
    headers.map(async (one, n) => {
      if ("error" in one) throw new Error(one.error)
      const uids = { study: one.studyUid, series: one.seriesUid, instance: one.instanceUid }
      const path = dir.file(`${uids.instance}.dcm`)
      await Bun.write(path, hostileImage(uids, images[n]!))
      return new Instance({ dicomUri: path })
    }),
  )
  const [first] = headers
  if (first === undefined || "error" in first) throw new Error("a series has images")
  const { studyUid, seriesUid } = first
  await ingest(instances, { datastore, studyUid, seriesUid, thumbnail: { size: 64 } })
}

/** What shows series, and nothing else. */
const PICTURES: Site = {
  routes: SERIES_ROUTES,
  views: [
    { path: "/browse", view: browseView },
    { path: "/studies/:studyId", view: studyView },
    { path: "/series/:seriesNo", view: seriesView },
    { path: "/series/:seriesNo/instances/:n", view: imageView },
  ],
}
