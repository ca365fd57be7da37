import { type Html, html } from "../../support/html.ts"

/** What is typed: from its first words to whatever ends a part of a sentence. */
const COMMAND = /bun run [^;,]*[^;,.\s]/g

/** A sentence about what to do, in which commands are set as they are typed. */
export function withCommands(text: string): Html {
  const parts: Html[] = []
  let end = 0
  for (const { 0: command, index } of text.matchAll(COMMAND)) {
    parts.push(html`${text.slice(end, index)}<code>${command}</code>`)
    end = index + command.length
  }
  return html`${parts}${text.slice(end)}`
}
