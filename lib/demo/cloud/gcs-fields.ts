import { invalid } from "./gcs-errors.ts"

/**
 * Partial responses: keeps of a JSON document what the `fields` parameter names
 * (`items(name,size),nextPageToken`, `a/b`, `*`).
 * https://cloud.google.com/storage/docs/json_api#partial-response
 */
export function selectFields(document: unknown, fields: string | null): unknown {
  return fields === null ? document : keep(document, parseFields(fields))
}

interface Selection extends Map<string, Selection> {}

function keep(value: unknown, selection: Selection): unknown {
  if (selection.size === 0) return value
  if (Array.isArray(value)) return value.map((item) => keep(item, selection))
  if (typeof value !== "object" || value === null) return value
  const kept = Object.entries(value).flatMap(([name, child]) => {
    const inner = selection.get(name) ?? selection.get("*")
    return inner === undefined ? [] : [[name, keep(child, inner)]]
  })
  return Object.fromEntries(kept)
}

function parseFields(text: string): Selection {
  const tokens = text.match(/[(),/]|[^(),/\s]+/g) ?? []
  const selection = parseList(tokens)
  if (tokens.length > 0) throw invalid(`Invalid field selection ${text}`)
  return selection

  function parseList(rest: string[]): Selection {
    const list: Selection = new Map()
    for (;;) {
      parsePath(list, rest)
      if (rest[0] !== ",") return list
      rest.shift()
    }
  }

  function parsePath(into: Selection, rest: string[]) {
    const name = rest.shift()
    if (name === undefined || /^[(),/]$/.test(name)) throw invalid(`Invalid field selection ${text}`)
    const inner: Selection = into.get(name) ?? new Map()
    into.set(name, inner)
    if (rest[0] === "/") {
      rest.shift()
      parsePath(inner, rest)
    } else if (rest[0] === "(") {
      rest.shift()
      for (const [child, selection] of parseList(rest)) inner.set(child, selection)
      if (rest.shift() !== ")") throw invalid(`Invalid field selection ${text}`)
    }
  }
}
