import { type Html, html } from "../../../support/html.ts"
import { bytes, plural } from "../../../support/text.ts"
import { facts } from "../../parts/facts.ts"
import { meter, nothing, panel } from "../../parts/panel.ts"
import type { History } from "./read.ts"

/** How much had to be sent, and how much stood at the destination already. */
export function renderAdopted({ ever, standing }: History): Html {
  const { copied, adopted, adoptedBytes, bytes: sent } = ever
  const all = copied + adopted
  if (all === 0) return panel("Copied and adopted", nothing("Nothing was copied yet."))
  return panel(
    "Copied and adopted",
    html`${meter("copied, of what was copied or adopted", copied, all)}
${facts([
  [
    "Copied",
    html`${plural(copied, "object")}, ${bytes(sent)}<span class="note">sent by this box, each time that it was</span>`,
  ],
  [
    "Adopted",
    html`${plural(adopted, "object")}${adoptedBytes > 0 && `, ${bytes(adoptedBytes)}`}<span class="note">stood at the destination with the right bytes: nothing was sent</span>`,
  ],
  [
    "Standing",
    html`${plural(standing.objects, "object")}, ${bytes(standing.bytes)}<span class="note">at the destination, as the ledger knows them</span>`,
  ],
])}`,
    "since this ledger was begun",
  )
}
