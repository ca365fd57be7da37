/**
 * Where somebody wanted to go before the login, as a path of this page: whatever would lead elsewhere leads to its start.
 * Browsers take `//host`, `/\host` and `/.//host` for other sites.
 * @param text as it stands in a link or a form, from anywhere
 */
export function wayBack(text: string | null): string {
  const url = text?.startsWith("/") ? URL.parse(text, HERE) : null
  if (url === null || url.origin !== HERE || url.pathname.startsWith("//")) return "/"
  return url.pathname + url.search
}

/** Stands for whatever name the page has. */
const HERE = "http://page.invalid"
