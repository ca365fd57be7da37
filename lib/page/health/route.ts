import type { Route } from "../page.ts"
import { recently } from "../recently.ts"
import { type Health, healthOf } from "./health.ts"

/** As old as an answer may be, in seconds: it is asked for by many, and often. */
const FRESH_SECONDS = 5

const healthNow = recently(FRESH_SECONDS, healthOf)

/**
 * Whether the box is well: 200, or 503 when somebody has to look. Whoever says who they are is told why; anybody else
 * only that.
 */
export const healthRoute: Route = {
  path: "/healthz",
  method: "GET",
  admits: "anybody-or-monitor",
  async handle({ deps, session }) {
    const { status, checks } = await healthNow(deps)
    const told: Partial<Health> = session === undefined ? { status } : { status, checks }
    return Response.json(told, {
      status: status === "ok" ? 200 : 503,
      headers: { "cache-control": "no-store" },
    })
  },
}
