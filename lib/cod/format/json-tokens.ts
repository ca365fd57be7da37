/** Arrays and objects within each other that a document may have. Each level of DICOM sequences nests three. */
export const MAX_DEPTH = 512

/** Where the quote is that ends the string whose first quote is at `start`; undefined when there is none. */
export function endOfString(text: string, start: number): number | undefined {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? undefined : end
}

function isEscaped(text: string, quote: number): boolean {
  let at = quote
  while (text[at - 1] === "\\") at--
  return (quote - at) % 2 === 1
}

/** Whether an object would sort the key `text` from `start` to `end` by number, in front of all others. */
export function isIndexKey(text: string, start = 0, end = text.length): boolean {
  const length = end - start
  if (length < 1 || length > 10) return false
  if (text.charCodeAt(start) === 0x30) return length === 1
  return endOfDigits(text, start) >= end
}

/** The first place from `start` on that holds no digit. */
export function endOfDigits(text: string, start: number): number {
  let at = start
  while (isDigit(text.charCodeAt(at))) at++
  return at
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
