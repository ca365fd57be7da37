/** Bytes as characters 0 to 255, without copying them first. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
}

/** Without trailing NULs and spaces; not by a regular expression, which would go over long runs of them again and again. */
export function trimPadding(text: string): string {
  let end = text.length
  while (end > 0 && (text.charCodeAt(end - 1) === 0x20 || text.charCodeAt(end - 1) === 0)) end -= 1
  return text.slice(0, end)
}
