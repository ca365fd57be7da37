import { liveOver } from "../../live.ts"
import type { Live, PageDeps, Route } from "../../page.ts"
import { readNow } from "./read.ts"
import { drawNow } from "./render.ts"

/** The view as it moves, for all who look at it. */
export function liveNow(deps: PageDeps): Live {
  return liveOver(deps, { read: () => readNow(deps), draw: drawNow })
}

/** Where browsers listen to it. */
export const NOW_EVENTS: Route = {
  path: "/events/now",
  method: "GET",
  admits: "session",
  handle: ({ live, context, signal }) => live.listen(context, signal),
}
