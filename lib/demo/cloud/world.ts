import type { Buckets } from "./buckets.ts"
import type { Sessions } from "./gcs-sessions.ts"
import type { Roles } from "./roles.ts"

/** What both services act upon. */
export interface World {
  readonly buckets: Buckets
  readonly sessions: Sessions
  readonly roles: Roles
}
