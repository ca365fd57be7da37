import { randomBytes } from "node:crypto"
import { plain } from "../respond.ts"
import type { Access } from "./access.ts"
import type { Session } from "./session.ts"
import { tokensBy } from "./tokens.ts"

/**
 * Lets in whoever sits at the box: the page listens on loopback only. Pages of other sites in the same browser are kept
 * out by the name that they ask for, since they can let a name of their own mean this machine (DNS rebinding); and so
 * is a proxy that says that it is one, for behind it sits anybody.
 */
export function localAccess(): Access {
  const session: Session = { user: "local", id: "local", canLogOut: false }
  const csrf = tokensBy(randomBytes(32)).of("csrf", session.id)
  return {
    routes: [],
    csrfOf: () => csrf,
    admit({ headers }) {
      if (!LOCAL_NAME.test(headers.get("host") ?? ""))
        return plain("without a login this page is at localhost and 127.0.0.1 only", 403)
      if (OF_PROXIES.some((name) => headers.has(name)))
        return plain("behind a proxy this page needs a login: set FLOWER_USER and FLOWER_PASSWORD", 403)
      return { session }
    },
  }
}

/** With any port: that of a tunnel is another one. */
const LOCAL_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/** https://developer.mozilla.org/docs/Web/HTTP/Headers/Forwarded and its forerunners. */
const OF_PROXIES = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"]
