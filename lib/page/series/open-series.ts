import type { CODObject } from "../../cod/index.ts"
import type { LedgerSeries } from "../../ledger/cod/series.ts"

/** A series of the ledger that is open to be looked at. */
export interface OpenSeries {
  readonly known: LedgerSeries
  readonly cod: CODObject
  /** Of its metadata: changes when anything of it does. */
  readonly generation: string
  /** Bytes of its tar; undefined when there is none. */
  tarBytes(): Promise<number | undefined>
}
