import { randomBytes } from "node:crypto"
import type { Clock } from "../../support/clock.ts"
import type { Admitted } from "./access.ts"
import type { Credentials } from "./credentials.ts"
import type { Session } from "./session.ts"
import { tokensBy } from "./tokens.ts"

/** Sessions of those who logged in; they live in the browsers' cookies, signed. */
export interface Sessions {
  /** @returns the cookie of a new one. @param isSecure the browser came by https and is to send it by nothing else */
  begin(options: { readonly isSecure: boolean }): string
  /** That of a request; with a cookie where it lasts longer by this request. */
  of(request: Request): Admitted
  /** That of a request is over, also where its cookie was copied, for as long as this process lives. @returns the cookie that takes it away */
  end(request: Request): string
  csrfOf(session: Session): string
}

const COOKIE = "etl_session"
const HOUR_MS = 3_600_000

/** So long after whatever was asked last. */
const LIFE_MS = 12 * HOUR_MS

/** Not with every answer. */
const RENEW_AFTER_MS = HOUR_MS / 4

/** Beyond it the one that ended first is believed again for the rest of its life. */
const MAX_ENDED = 10_000

interface Ticket {
  readonly id: string
  readonly expiresMs: number
  readonly isSecure: boolean
}

export interface SessionKey {
  readonly credentials: Credentials
  /** Undefined: sessions end with this process. */
  readonly secretKey: string | undefined
}

/** They last until nothing was asked for 12 hours, or until the user, the password or SECRET_KEY is another one. */
export function signedSessions({ credentials, secretKey }: SessionKey, clock: Clock): Sessions {
  const { user, password } = credentials
  const tokens = tokensBy(keyOf(secretKey ?? randomBytes(32), user, password))
  const ended = new Set<string>()
  const now = () => clock.now().getTime()

  const ticketOf = ({ headers }: Request): Ticket | undefined => {
    const cookie = new Bun.CookieMap(headers.get("cookie") ?? "").get(COOKIE) ?? ""
    const [, claims, id, expires, secure, signature] = TICKET.exec(cookie) ?? []
    if (claims === undefined || !tokens.isOf("session", claims, signature!)) return undefined
    const ticket = { id: id!, expiresMs: Number(expires), isSecure: secure === "s" }
    return ticket.expiresMs > now() && !ended.has(ticket.id) ? ticket : undefined
  }

  const cookieOf = (id: string, isSecure: boolean) => {
    const claims = `${id}.${now() + LIFE_MS}.${isSecure ? "s" : "p"}`
    return cookieWith(`${claims}.${tokens.of("session", claims)}`, LIFE_MS, isSecure)
  }

  return {
    begin: ({ isSecure }) => cookieOf(randomBytes(16).toString("base64url"), isSecure),
    of(request) {
      const ticket = ticketOf(request)
      if (ticket === undefined) return { session: undefined }
      const { id, isSecure, expiresMs } = ticket
      const isFresh = expiresMs - now() > LIFE_MS - RENEW_AFTER_MS
      const session = { user, id, canLogOut: true }
      return { session, cookie: isFresh ? undefined : cookieOf(id, isSecure) }
    },
    end(request) {
      const ticket = ticketOf(request)
      if (ticket !== undefined) ended.add(ticket.id)
      const [first] = ended
      if (ended.size > MAX_ENDED && first !== undefined) ended.delete(first)
      return cookieWith("", 0, ticket?.isSecure ?? false)
    },
    csrfOf: ({ id }) => tokens.of("csrf", id),
  }
}

/** Id, end in milliseconds since 1970, by what it was begun: (s)ecure or (p)lain; and the signature of these. */
const TICKET = /^(([\w-]{22})\.(\d{13})\.([sp]))\.([\w-]{43})$/

/** One for each pair of user and password: with another one nobody's session is left. */
function keyOf(secret: string | Uint8Array, user: string, password: string): string {
  return tokensBy(secret).of("sessions of the page", JSON.stringify([user, password]))
}

/**
 * Never read by scripts. `Lax`: a link to the page, as in a message of an alert, finds whoever follows it logged in, and
 * forms of other sites do not get it.
 */
function cookieWith(value: string, lifeMs: number, isSecure: boolean): string {
  const cookie = new Bun.Cookie(COOKIE, value, {
    path: "/",
    maxAge: lifeMs / 1000,
    httpOnly: true,
    sameSite: "lax",
    secure: isSecure,
  })
  return cookie.serialize()
}
