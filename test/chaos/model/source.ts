import type { Cloud } from "../../../lib/demo/cloud/cloud.ts"
import type { TestPacs } from "../../support/pacs.ts"
import {
  type Doctor,
  dicomText,
  initialObjects,
  initialRows,
  type ModelReport,
  type ModelStudy,
  metadataKey,
  metadataText,
  ORIGIN,
  practitioner,
  RANKED_BY,
  rankingReport,
  reportText,
  rowOfImage,
  STUDIES,
} from "./hospital.ts"

/** The hospital as it is at this moment, and as the test knows it to be. */
export type Source = Awaited<ReturnType<typeof openSource>>

/** Puts database and origin into their first state. */
export async function openSource(pacs: TestPacs, cloud: Cloud) {
  const { sql } = pacs
  const contents = new Map<string, string[]>()
  const silent = new Set<string>()
  const lost = new Set<string>()
  const unsigned = new Set<string>()
  const migrated = new Set<string>()
  const images = new Map(
    STUDIES.map((study) => [study.id, new Set(study.images.filter((i) => i.isThere).map((i) => i.id))]),
  )
  let leaders: readonly Doctor[] = ["ana", "bea"]
  let version = 0

  const put = (key: string, content: string) => {
    contents.set(key, [...(contents.get(key) ?? []), content])
    if (!lost.has(key)) cloud.put(ORIGIN, key, content)
  }
  /** Later than all before, so that a row is seen to have changed. */
  const instant = () => new Date(Date.UTC(2026, 0, 1) + version * 1000).toISOString()

  for (const key of cloud.keys(ORIGIN)) cloud.delete(ORIGIN, key)
  for (const [key, content] of initialObjects()) put(key, content)
  await pacs.clear()
  await pacs.insert(initialRows())

  const reportsThatCount = ({ reports }: ModelStudy) =>
    reports.filter(({ id, by }) => !unsigned.has(id) && leaders.includes(by))

  return {
    /** Adds an image's row, or removes it. */
    async toggleImage(study: ModelStudy, n: number) {
      const image = study.images[n % study.images.length]!
      const there = images.get(study.id)!
      if (there.delete(image.id)) await sql`delete from pacs_images where id = ${image.id}`
      else {
        there.add(image.id)
        version++
        await pacs.insert({ pacs_images: [{ ...rowOfImage(study, image), created_at: instant() }] })
      }
    },
    /** Replaces an image at the origin; only with `row` can anybody know. */
    async replaceImage(study: ModelStudy, n: number, { row }: { row: boolean }) {
      const { id, origin } = study.images[n % study.images.length]!
      version++
      put(origin, dicomText(version))
      const isTold = row && images.get(study.id)!.has(id)
      if (isTold) silent.delete(origin)
      else silent.add(origin)
      if (isTold) await sql`update pacs_images set created_at = ${instant()} where id = ${id}`
    },
    /** Removes a file from the origin without a word, or puts it back. */
    toggleFile(study: ModelStudy, n: number) {
      const keys = [...study.images.map(({ origin }) => origin), ...study.listed]
      const key = keys[n % keys.length]!
      if (lost.delete(key)) cloud.put(ORIGIN, key, contents.get(key)!.at(-1)!)
      else {
        lost.add(key)
        cloud.delete(ORIGIN, key)
      }
    },
    async editReport(study: ModelStudy, n: number) {
      const { id, key, inDatabase } = study.reports[n % study.reports.length]!
      version++
      if (!inDatabase) put(key, reportText(version))
      const content = inDatabase ? reportText(version) : null
      await sql`update pacs_reports set content = ${content}, updated_at = ${instant()} where id = ${id}`
      if (inDatabase) contents.set(key, [reportText(version)])
    },
    async toggleSigned(study: ModelStudy, n: number) {
      const { id } = study.reports[n % study.reports.length]!
      const signed = unsigned.delete(id)
      if (!signed) unsigned.add(id)
      await sql`update pacs_reports set status = ${signed ? "SIGNED" : "DRAFT"} where id = ${id}`
    },
    async toggleMigrated({ id }: ModelStudy) {
      const back = migrated.delete(id)
      if (!back) migrated.add(id)
      await sql`update pacs_studies set migrated = ${!back} where id = ${id}`
    },
    /** Changes what metadata.json tells. */
    async describe(study: ModelStudy) {
      version++
      if (study.hasMetadata) put(metadataKey(study), metadataText(version))
      const description = `CHEST ${version}`
      await sql`update pacs_studies set dicom_description = ${description}, updated_at = ${instant()} where id = ${study.id}`
    },
    async rank(first: Doctor, second: Doctor) {
      leaders = [first, second]
      const ids = Array.from({ length: RANKED_BY.first + RANKED_BY.second }, (_, n) => rankingReport(n))
      const move = (doctor: Doctor, these: string[]) =>
        sql`update pacs_reports set signed_by_id = ${practitioner(doctor)} where id in ${sql(these)}`
      await move(first, ids.slice(0, RANKED_BY.first))
      await move(second, ids.slice(RANKED_BY.first))
    },
    /** Puts back what was lost from the origin. */
    restoreFiles() {
      for (const key of lost) cloud.put(ORIGIN, key, contents.get(key)!.at(-1)!)
      lost.clear()
    },

    /** Whether what is planned cannot be had: a file that is lost, the text of a report that counts no longer. */
    isGone: (key: string, id: string | null) => lost.has(key) || unsigned.has(id ?? ""),
    isEligible: (study: ModelStudy) => !migrated.has(study.id) && reportsThatCount(study).length > 0,
    reportsThatCount,
    imagesThere: (study: ModelStudy) => study.images.filter(({ id }) => images.get(study.id)!.has(id)),
    /** What may stand at the destination of a copy of this key: what is there now, or what nobody was told of. */
    contentsOf(key: string): readonly string[] {
      const all = contents.get(key) ?? []
      return silent.has(key) ? all : all.slice(-1)
    },
    textOf: ({ key, inDatabase }: ModelReport): string =>
      inDatabase ? (contents.get(key)?.at(-1) ?? reportText(0)) : contents.get(key)!.at(-1)!,
  }
}
