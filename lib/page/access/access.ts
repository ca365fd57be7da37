import type { Admission } from "../page.ts"
import type { Session } from "./session.ts"

/** Decides who is let in. */
export interface Access {
  /**
   * Whoever asks, or the answer that sends them away: to the login, or with 401, 403 or 429. Of a session that has just
   * begun, `cookie` is to be set.
   */
  admit(request: Request, asked: Asked): Promise<Admitted | Response>
  /** The token that forms of a session carry. */
  csrfOf(session: Session): string
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
