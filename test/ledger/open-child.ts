import { openLedger } from "../../lib/ledger/open.ts"

/** Opens the ledger as soon as its standard input ends, so that several of it start at one moment. */
if (import.meta.main) {
  console.error("ready")
  await Bun.stdin.text()
  using ledger = openLedger(process.argv[2]!)
  console.log(ledger.id)
}
