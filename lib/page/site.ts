import type { Site } from "./server.ts"
import { nowView } from "./views/now.ts"

/** Everything that there is to ask for. */
export const SITE: Site = {
  routes: [],
  views: [{ path: "/", view: nowView }],
}
