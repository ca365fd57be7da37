import { examine } from "../lib/operate/doctor/doctor.ts"
import { renderDoctor } from "../lib/operate/doctor/render.ts"
import { readSettings } from "../lib/operate/doctor/settings.ts"
import { main } from "../lib/support/cli.ts"

await main(
  {
    name: "doctor",
    summary:
      "Examines what the other scripts rest on (configuration, database, buckets, clocks, disks, ledger, versions) and " +
      "says of each fault what mends it. Changes nothing but a key each at the destination and the datastore, and deletes it.",
    example: "--json",
  },
  async ({ stop, print }) => {
    const report = await examine(readSettings(), {}, stop.requested)
    await print(report, renderDoctor)
    return report.faults > 0 ? 1 : 0
  },
)
