import { createHmac, timingSafeEqual } from "node:crypto"

/** What only the holder of the key can make. */
export interface Tokens {
  /** @param purpose tokens of one are none of another */
  of(purpose: string, text: string): string
  /** Takes as long for a token that is nearly right. */
  isOf(purpose: string, text: string, token: string): boolean
}

/** HMAC-SHA256 (RFC 2104), in base64url. */
export function tokensBy(key: Uint8Array | string): Tokens {
  const of = (purpose: string, text: string) =>
    createHmac("sha256", key).update(`${purpose}\0${text}`).digest("base64url")
  return { of, isOf: (purpose, text, token) => isSame(token, of(purpose, text)) }
}

/** Takes as long for texts that are nearly the same. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
