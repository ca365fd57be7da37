/** Takes out of a text what nobody may read in a log or on a terminal. */
export type Redactor = (text: string) => string

const HIDDEN = "[hidden]"

// Too short a secret is a common word: hiding it everywhere would garble every message and give it away.
const SHORTEST_SECRET = 6

const PATTERNS: readonly [RegExp, string][] = [
  // The password of a URL.
  [/(\w:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g, `$1${HIDDEN}`],
  // Signed URLs of both clouds, and the ids of resumable uploads, which are as good as a signature.
  [/((?:signature|credential|security-token|upload_id|access_token|password)=)[^\s&"]+/gi, `$1${HIDDEN}`],
  [/\b((?:bearer|aws4-hmac-sha256)\s)[^"\n]+/gi, `$1${HIDDEN}`],
]

/** Hides the given secrets, also as JSON and URLs spell them, and whatever looks like a credential. */
export function redactor(secrets: readonly string[]): Redactor {
  const spellings = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
  // The longest first: one secret may be a part of another.
  const known = [...new Set(spellings)].sort((a, b) => b.length - a.length)
  return (text) => {
    const withoutKnown = known.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text)
    return PATTERNS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), withoutKnown)
  }
}
