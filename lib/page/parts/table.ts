import { type Html, type HtmlValue, html } from "../../support/html.ts"
import { count } from "../../support/text.ts"

/** A column: its heading, and how its cells are set. */
export interface Column {
  readonly heading: string
  /** Numbers stand right, in figures of one width. */
  readonly isNumber?: boolean
  /** Ids and keys: in figures of one width, broken anywhere. */
  readonly isCode?: boolean
  /** Sentences: wide enough to be read, also where the table scrolls. */
  readonly isText?: boolean
}

/**
 * A table with a caption for those who do not see it; where it is too wide for the screen it scrolls by itself. What scrolls
 * is no landmark: that is the panel around it, often of the same name. Numbers are grouped by thousands.
 */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly HtmlValue[])[],
): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table>
<caption class="unseen">${caption}</caption>
<thead><tr>${columns.map(({ heading, isNumber }) => html`<th scope="col"${classOf({ isNumber })}>${heading}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${columns.map((column, n) => html`<td${classOf(column)}>${cell(row[n])}</td>`)}</tr>`)}</tbody>
</table></div>`
}

function cell(value: HtmlValue): HtmlValue {
  return typeof value === "number" ? count(value) : value
}

function classOf({ isNumber, isCode, isText }: Omit<Column, "heading">): Html {
  if (isNumber) return html` class="number"`
  if (isText) return html` class="text"`
  return isCode ? html` class="code"` : html``
}
