import { progressLines } from "../../ledger/views.ts"
import { html } from "../../support/html.ts"
import { count } from "../../support/text.ts"
import type { PageRequest, View } from "../page.ts"
import { figure, figures, panel } from "../parts/panel.ts"

export function nowView({ deps }: PageRequest): View {
  const lines = progressLines(deps.ledger)
  const body = panel(
    "Progress",
    figures(
      lines.map(({ item, count: n, of }) =>
        figure(item, count(n), of === null ? undefined : `of ${count(of)}`),
      ),
    ),
  )
  return { title: "Now", nav: "Now", body: html`${body}` }
}
