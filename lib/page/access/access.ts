import type { Clock } from "../../support/clock.ts"
import type { Log } from "../../support/log.ts"
import type { Admission, Route } from "../page.ts"
import type { Session } from "./session.ts"

/** Decides who is let in. */
export interface Access {
  /**
   * Whoever asks, or the answer that sends them away: to the login, or with 401, 403 or 429. `cookie` is to be set with
   * the answer.
   */
  admit(request: Request, asked: Asked): Admitted | Response
  /** The token that forms of a session carry. */
  csrfOf(session: Session): string
  /** The login and what belongs to it; none where nobody logs in. */
  readonly routes: readonly Route[]
}

export interface Asked {
  readonly admits: Admission
  /** "" or "/flower". */
  readonly base: string
  /** Of whoever asks. */
  readonly address: string
}

export interface Admitted {
  readonly session: Session | undefined
  readonly cookie?: string | undefined
}

export interface AccessDeps {
  readonly clock: Clock
  readonly log: Log
}
