import type { PageRequest, Route } from "../page.ts"
import { seeOther } from "../respond.ts"
import { loginView } from "../views/login.ts"
import type { Attempt } from "./attempts.ts"
import { fieldsOf, sentForm } from "./form.ts"
import type { Sessions } from "./sessions.ts"
import { wayBack } from "./way-back.ts"

/** The login as a page and as a form, and the way out. */
export function loginRoutes(sessions: Sessions, attempt: Attempt): Route[] {
  return [
    { path: "/login", method: "GET", admits: "anybody", handle: showLogin },
    {
      path: "/login",
      method: "POST",
      admits: "anybody",
      handle: (request) => logIn(request, sessions, attempt),
    },
    { path: "/logout", method: "POST", admits: "session", handle: (request) => logOut(request, sessions) },
  ]
}

function showLogin({ session, query, context, show }: PageRequest): Response {
  const to = wayBack(query.get("to"))
  return session === undefined ? show(loginView({ to }, context)) : seeOther(context.base + to)
}

async function logIn(
  { request, address, context, show }: PageRequest,
  sessions: Sessions,
  attempt: Attempt,
): Promise<Response> {
  const form = await fieldsOf(request)
  if (form instanceof Response) return form
  const [user, password] = [form.get("user") ?? "", form.get("password") ?? ""]
  const to = wayBack(form.get("to"))
  const attempted = attempt({ user, password }, address)
  if (attempted === "known") {
    // The browser's own word: it tells the scheme also behind a proxy, and nothing else has to be believed.
    const isSecure = request.headers.get("origin")?.startsWith("https:") === true
    return withHeader(seeOther(context.base + to), "set-cookie", sessions.begin({ isSecure }))
  }
  if (attempted === "unknown") return show(loginView({ to, user, problem: "wrong" }, context), 403)
  const { waitSeconds } = attempted
  const view = loginView({ to, user, problem: { waitSeconds } }, context)
  return withHeader(show(view, 429), "retry-after", String(waitSeconds))
}

async function logOut(request: PageRequest, sessions: Sessions): Promise<Response> {
  const form = await sentForm(request)
  if (form instanceof Response) return form
  const answer = seeOther(`${request.context.base}/login`)
  return withHeader(answer, "set-cookie", sessions.end(request.request))
}

function withHeader(response: Response, name: string, value: string): Response {
  response.headers.set(name, value)
  return response
}
