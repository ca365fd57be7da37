import { randomBytes } from "node:crypto"
import { tokensBy } from "./tokens.ts"

export interface Credentials {
  readonly user: string
  readonly password: string
}

/**
 * Whether somebody knows them. Their digests are compared, both of them always: how long it takes tells neither which
 * one is wrong, nor from where on, nor how long the right one is.
 */
export function knownBy({ user, password }: Credentials): (sent: Credentials) => boolean {
  const tokens = tokensBy(randomBytes(32))
  const expected = [tokens.of("user", user), tokens.of("password", password)] as const
  return (sent) => {
    const isUser = tokens.isOf("user", sent.user, expected[0])
    const isPassword = tokens.isOf("password", sent.password, expected[1])
    return isUser && isPassword
  }
}

/** What a program sends by HTTP Basic (RFC 7617), in UTF-8; undefined where it sends none, or what is none. */
export function basicCredentials({ headers }: Request): Credentials | undefined {
  const [, encoded] = /^basic +([a-z0-9+/]+=*) *$/i.exec(headers.get("authorization") ?? "") ?? []
  if (encoded === undefined) return undefined
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? []
  return user === undefined || password === undefined ? undefined : { user, password }
}
