/** HTML that may be put into a page as it is: whatever came from outside was escaped on the way in. */
export class Html {
  constructor(readonly text: string) {}
}

/** What may stand in a template; nothing is shown of what is absent. */
export type HtmlValue = string | number | Html | undefined | null | false | readonly HtmlValue[]

/**
 * A template whose values are escaped unless they are `Html`; lists are put one after the other. A value belongs between
 * tags or within a quoted attribute, and never into a script, a style, or the name of anything.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = strings[0]!
  for (const [n, value] of values.entries()) text += textOf(value) + strings[n + 1]!
  return new Html(text)
}

function textOf(value: HtmlValue): string {
  if (value === undefined || value === null || value === false) return ""
  if (value instanceof Html) return value.text
  if (typeof value === "string") return Bun.escapeHTML(value)
  if (typeof value === "number") return String(value)
  return value.map(textOf).join("")
}
