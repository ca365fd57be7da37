import { type Html, html } from "../support/html.ts"
import { VERSION } from "../support/version.ts"
import type { Session } from "./access/session.ts"
import type { RenderContext, View } from "./page.ts"

/** What the navigation leads to, in the order in which one looks. */
const PLACES = [
  ["/", "Now"],
  ["/failures", "Failures"],
  ["/browse", "Browse"],
  ["/cohort", "Cohort"],
  ["/history", "History"],
  ["/locks", "Locks"],
] as const

/** Where the frame's own files are. */
export interface FrameAssets {
  readonly style: string
  readonly script: string
  readonly icon: string
}

/** A whole document: the view within heading, navigation and foot; before a login it leads nowhere. */
export function framed(
  { title, nav, body }: View,
  context: RenderContext,
  assets: FrameAssets,
  session: Session | undefined,
): Html {
  const { base } = context
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · chest X-ray ETL</title>
<link rel="icon" href="${base}${assets.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${base}${assets.style}">
<script src="${base}${assets.script}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<p class="name"><a href="${base}/">Chest X-ray ETL</a></p>
${session !== undefined && navigation(nav, context)}
${session?.canLogOut && logout(session, context)}
</header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${body}
</main>
<footer><p>Version ${VERSION} · times are of ${context.timezone} · nothing here names a patient</p></footer>
</body>
</html>`
}

function navigation(current: string, { base }: RenderContext): Html {
  return html`<nav aria-label="Views"><ul>${PLACES.map(([path, name]) => html`<li><a href="${base}${path}"${name === current && html` aria-current="page"`}>${name}</a></li>`)}</ul></nav>`
}

function logout({ user }: Session, { base, csrf }: RenderContext): Html {
  return html`<form class="user" method="post" action="${base}/logout"><input type="hidden" name="csrf" value="${csrf}"><span>${user}</span> <button>Log out</button></form>`
}
