import type { AccessDeps } from "./access.ts"
import { type Credentials, knownBy } from "./credentials.ts"
import { throttle } from "./throttle.ts"

/** What became of a try to say who one is. */
export type Attempted = "known" | "unknown" | { readonly waitSeconds: number }

/** The same for people and programs, who share what they may guess. While somebody has to wait nothing is looked at. */
export type Attempt = (sent: Credentials, address: string) => Attempted

export function loginAttempts(credentials: Credentials, { clock, log }: AccessDeps): Attempt {
  const isKnown = knownBy(credentials)
  const { wait, failed } = throttle(clock)
  return (sent, address) => {
    const waitSeconds = wait(address)
    if (waitSeconds > 0) return { waitSeconds }
    if (isKnown(sent)) return "known"
    failed(address)
    // Not the name: a password is easily typed into its field.
    log.warn({ address }, "a login to the page with a wrong name or password")
    return "unknown"
  }
}
