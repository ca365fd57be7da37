import { plain, seeOther } from "../respond.ts"
import type { Access, AccessDeps, Admitted } from "./access.ts"
import { type Attempt, loginAttempts } from "./attempts.ts"
import { basicCredentials } from "./credentials.ts"
import { loginRoutes } from "./login-routes.ts"
import { type SessionKey, signedSessions } from "./sessions.ts"

/** Lets in whoever logged in with the user's name and password; programs that watch the box by HTTP Basic, too. */
export function loginAccess(key: SessionKey, deps: AccessDeps): Access {
  const sessions = signedSessions(key, deps.clock)
  const attempt = loginAttempts(key.credentials, deps)
  return {
    routes: loginRoutes(sessions, attempt),
    csrfOf: sessions.csrfOf,
    admit(request, { admits, base, address }) {
      const found = sessions.of(request)
      // What anybody gets may be kept by others on the way, and is to have no cookie with it.
      if (admits === "anybody") return { session: found.session }
      if (found.session !== undefined) return found
      if (admits === "session") return toLogin(request, base)
      if (request.headers.has("authorization")) return byBasic(request, attempt, address)
      return admits === "monitor" ? unknown() : found
    },
  }
}

/** Whoever looks is shown the login, and then what they wanted; a script or a picture of the page is just refused. */
function toLogin(request: Request, base: string): Response {
  if (request.headers.get("accept")?.includes("text/html") !== true) return plain("log in first", 403)
  const { pathname, search } = new URL(request.url)
  const wanted = (pathname.slice(base.length) || "/") + search
  const isStart = request.method !== "GET" || wanted === "/"
  return seeOther(`${base}/login${isStart ? "" : `?${new URLSearchParams({ to: wanted })}`}`)
}

/** A session for this one answer; nothing is changed by it, for that only people may do. */
function byBasic(request: Request, attempt: Attempt, address: string): Admitted | Response {
  const sent = basicCredentials(request)
  if (sent === undefined) return unknown()
  const attempted = attempt(sent, address)
  if (attempted === "known") return { session: { user: sent.user, id: "monitor", canLogOut: false } }
  if (attempted === "unknown") return unknown()
  const { waitSeconds } = attempted
  return plain("too many wrong tries", 429, { "retry-after": String(waitSeconds) })
}

/** RFC 9110, section 11.6.1; RFC 7617. */
function unknown(): Response {
  return plain("this needs the page's user and password", 401, {
    "www-authenticate": 'Basic realm="chest X-ray ETL", charset="UTF-8"',
  })
}
