import { InvalidMetadata } from "../errors.ts"

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

export function isText(value: unknown): value is string {
  return typeof value === "string"
}

export function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean"
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}

/** A place or a number of bytes. */
export function isByteCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function isByteCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isByteCount)
}

/** Base64 (RFC 4648, section 4) of four bytes, as a CRC32C is written. */
export function isCrc32c(value: unknown): value is string {
  return isText(value) && value.length === 8 && isBase64(value) && value.endsWith("==")
}

/** Base64 with its padding, and with nothing else in it. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
}

/** @throws InvalidMetadata when the key is absent, or its value is not what `isRight` says */
export function need<T>(object: JsonObject, key: string, isRight: (value: unknown) => value is T): T {
  const value = object[key]
  if (value === undefined) throw new InvalidMetadata(`${key} is missing`)
  if (!isRight(value)) throw new InvalidMetadata(`${key} is not what it should be`)
  return value
}

/** Like `need`, but null stands for `otherwise`. */
export function needOrNull<T, N>(
  object: JsonObject,
  key: string,
  isRight: (value: unknown) => value is T,
  otherwise: N,
): T | N {
  return object[key] === null ? otherwise : need(object, key, isRight)
}
