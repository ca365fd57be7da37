import { ConfigError } from "../../support/config.ts"
import type { PageConfig } from "../page.ts"
import type { Access, AccessDeps } from "./access.ts"
import { localAccess } from "./local-access.ts"
import { loginAccess } from "./login-access.ts"

/**
 * With FLOWER_USER and FLOWER_PASSWORD whoever knows them is let in; without, whoever sits at the box.
 * @throws ConfigError where one of them lacks the other, or both lack and the page would be seen from elsewhere
 */
export function openAccess(
  { host, user, password, secretKey }: PageConfig["page"],
  deps: AccessDeps,
): Access {
  if (user !== undefined && password !== undefined)
    return loginAccess({ credentials: { user, password }, secretKey }, deps)
  if (user !== undefined || password !== undefined) throw new ConfigError([oneOf(user)])
  if (!isLoopback(host))
    throw new ConfigError([
      `PAGE_HOST="${host}" is another address than loopback: expected FLOWER_USER and FLOWER_PASSWORD to be set, so that people log in`,
    ])
  return localAccess()
}

function oneOf(user: string | undefined): string {
  const [set, unset] = user === undefined ? ["PASSWORD", "USER"] : ["USER", "PASSWORD"]
  return `FLOWER_${unset} is not set, but FLOWER_${set} is: expected both, or neither for whoever sits at the box`
}

/** RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host)
}
