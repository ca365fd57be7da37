/** The one spelling under which an id is kept: lower case, hyphenated. Undefined for what is no UUID. */
export function canonicalUuid(text: string): string | undefined {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : undefined
}

/** `{…}` as PostgreSQL writes a `uuid[]`; what is no UUID can be no row's id and is left out. */
export function uuidArray(ids: readonly string[]): string {
  return `{${ids.map(canonicalUuid).filter((id) => id !== undefined)}}`
}
