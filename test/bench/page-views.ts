import { openLedger } from "../../lib/ledger/open.ts"

/** A view, and what is asked for in turn. */
export interface AskedView {
  readonly view: string
  readonly addresses: readonly string[]
}

/** Every view, those that can be narrowed down also narrowed down; of studies another one each time. */
export function pageViews(ledgerPath: string, times: number): AskedView[] {
  const same = (view: string, address = view): AskedView => ({ view, addresses: Array(times).fill(address) })
  return [
    same("/"),
    same("/failures"),
    same("/failures of a class", "/failures?verdict=retry&class=Unavailable"),
    same("/browse"),
    same("/browse of a day", "/browse?day=2025-06-01"),
    same("/browse of a rank", "/browse?rank=7"),
    same("/browse that fits nothing", "/browse?modality=OT"),
    same("/cohort"),
    same("/history"),
    same("/locks"),
    { view: "/studies/ID", addresses: someStudies(ledgerPath, times).map((id) => `/studies/${id}`) },
    { view: "/series/N", addresses: Array.from({ length: times }, (_, n) => `/series/${10 * n + 1}`) },
    same("/metrics"),
    same("/healthz"),
  ]
}

/** Spread over the whole ledger. */
function someStudies(ledgerPath: string, howMany: number): string[] {
  using ledger = openLedger(ledgerPath, { readonly: true })
  const from = ledger.db.query<{ id: string }, [string]>(
    "select study_id as id from studies where study_id >= ? order by study_id limit 1",
  )
  return Array.from({ length: howMany }, (_, n) => {
    const start = Math.floor((n / howMany) * 0xffff)
    return from.get(start.toString(16).padStart(4, "0"))!.id
  })
}

export interface Answer {
  /** Until its last byte. */
  readonly milliseconds: number
  /** Of the document with its style sheets and scripts. */
  readonly bytes: number
}

/** @throws Error when it is answered with an error; the health of the made-up box may be bad */
export async function ask(address: string): Promise<Answer> {
  const startedAt = performance.now()
  const response = await fetch(address)
  const text = await response.text()
  const milliseconds = performance.now() - startedAt
  if (!response.ok && !address.endsWith("/healthz")) {
    throw new Error(`${address} was answered ${response.status}: ${text.slice(0, 200)}`)
  }
  const parts = [...text.matchAll(/(?:src|href)="([^"]*\/assets\/[^"]*)"/g)].map(([, path]) => path!)
  const sizes = await Promise.all(parts.map((path) => sizeOf(new URL(path, address).href)))
  return { milliseconds, bytes: sizes.reduce((sum, size) => sum + size, Buffer.byteLength(text)) }
}

async function sizeOf(address: string): Promise<number> {
  return (await (await fetch(address)).bytes()).length
}
