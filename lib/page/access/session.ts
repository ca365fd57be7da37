/** Whoever is looking at the page. */
export interface Session {
  /** The name of the login; `local` for whoever sits at the box and needs none. */
  readonly user: string
  /** Random; what forms of this session are signed with. */
  readonly id: string
  /** False where there is no login to come back by. */
  readonly canLogOut: boolean
}
