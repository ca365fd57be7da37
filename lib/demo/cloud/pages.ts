import type { Bucket, StoredObject } from "./buckets.ts"
import { compareKeys } from "./key-order.ts"

export interface PageRequest {
  readonly prefix: string
  readonly delimiter: string
  /** First key of the page or later ones. */
  readonly from: string
  /** Only keys behind this one. */
  readonly after: string | undefined
  /** Only keys before this one. */
  readonly before: string | undefined
  /** Where the page before ended. */
  readonly token: string | undefined
  /** Objects and prefixes together. */
  readonly limit: number
}

export interface Page {
  readonly objects: readonly StoredObject[]
  readonly prefixes: readonly string[]
  /** Of the next page, if there is one. */
  readonly token: string | undefined
}

/** One page of a listing, with keys rolled up behind the delimiter, as both services do it. */
export function listPage(bucket: Bucket, request: PageRequest): Page {
  const keys = bucket.keys()
  const objects: StoredObject[] = []
  const prefixes: string[] = []
  const last = request.token === undefined ? undefined : decodeToken(request.token)
  let at = firstNotBefore(keys, startOf(request, last?.name))
  let end: TokenFacts | undefined
  while (at < keys.length) {
    const key = keys[at]!
    if (request.before !== undefined && compareKeys(key, request.before) >= 0) break
    if (!key.startsWith(request.prefix)) {
      if (compareKeys(key, request.prefix) > 0) break
      at++
    } else if (isBehindUs(key, request, last)) {
      at++
    } else if (objects.length + prefixes.length === request.limit) {
      return { objects, prefixes, token: end === undefined ? undefined : encodeToken(end) }
    } else {
      const rolledUp = commonPrefix(key, request)
      if (rolledUp === undefined) {
        objects.push(bucket.get(key)!)
        end = { kind: "key", name: key }
        at++
      } else {
        prefixes.push(rolledUp)
        end = { kind: "prefix", name: rolledUp }
        while (at < keys.length && keys[at]!.startsWith(rolledUp)) at++
      }
    }
  }
  return { objects, prefixes, token: undefined }
}

/** Whether a page that was answered before ended with this token. */
export function isToken(token: string): boolean {
  return /^[kp]:/.test(Buffer.from(token, "base64url").toString())
}

interface TokenFacts {
  readonly kind: "key" | "prefix"
  readonly name: string
}

function encodeToken({ kind, name }: TokenFacts): string {
  return Buffer.from(`${kind === "key" ? "k" : "p"}:${name}`).toString("base64url")
}

function decodeToken(token: string): TokenFacts {
  const text = Buffer.from(token, "base64url").toString()
  return { kind: text.startsWith("k:") ? "key" : "prefix", name: text.slice(2) }
}

function startOf({ prefix, from, after }: PageRequest, last: string | undefined): string {
  return [prefix, from, after ?? "", last ?? ""].reduce((a, b) => (compareKeys(a, b) < 0 ? b : a))
}

function isBehindUs(key: string, { after }: PageRequest, last: TokenFacts | undefined): boolean {
  if (after !== undefined && compareKeys(key, after) <= 0) return true
  if (last === undefined) return false
  return last.kind === "key" ? key === last.name : key.startsWith(last.name)
}

function commonPrefix(key: string, { prefix, delimiter }: PageRequest): string | undefined {
  if (delimiter === "") return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.slice(0, at + delimiter.length)
}

function firstNotBefore(keys: readonly string[], start: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle]!, start) < 0) low = middle + 1
    else high = middle
  }
  return low
}
