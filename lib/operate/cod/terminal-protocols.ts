import type { PictureProtocol } from "../../support/terminal-pictures.ts"

/** What shows a PNG in a terminal at the place of the cursor, when it is written there. */
export async function encodedFor(protocol: PictureProtocol, png: Uint8Array): Promise<string> {
  if (protocol === "kitty") return kittySequence(png)
  return protocol === "iterm" ? itermSequence(png) : await sixelSequence(png)
}

/** Base64 characters of one piece, at most. */
const KITTY_PIECE = 4096

/**
 * The graphics protocol of kitty (sw.kovidgoyal.net/kitty/graphics-protocol): transmits a PNG (`f=100`) in pieces, all but
 * the last with `m=1`, and displays it (`a=T`). `q=2`: the terminal does not answer, or the shell would read it.
 */
function kittySequence(png: Uint8Array): string {
  const text = Buffer.from(png).toString("base64")
  const pieces = text.match(new RegExp(`.{1,${KITTY_PIECE}}`, "g")) ?? []
  return pieces
    .map((piece, n) => {
      const first = n === 0 ? "a=T,f=100,q=2," : "q=2,"
      return `\x1b_G${first}m=${n === pieces.length - 1 ? 0 : 1};${piece}\x1b\\`
    })
    .join("")
}

/** Inline images of iTerm2 (iterm2.com/documentation-images.html): a file of any kind, and how many bytes it has. */
function itermSequence(png: Uint8Array): string {
  return `\x1b]1337;File=inline=1;size=${png.length}:${Buffer.from(png).toString("base64")}\x07`
}

/** Sixels (DEC STD 070, chapter 9; VT330/VT340 Programmer Reference, chapter 14), of at most 256 colours. */
async function sixelSequence(png: Uint8Array): Promise<string> {
  const [{ default: sharp }, { image2sixel }] = await Promise.all([import("sharp"), import("sixel")])
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  // It writes into what it is given, and takes all of the memory that lies below it: a `Buffer` shares its slices.
  return image2sixel(new Uint8Array(data), info.width, info.height, 256)
}
