import type { Environment } from "./config-read.ts"

/** A way in which terminals show pictures. */
export type PictureProtocol = "kitty" | "iterm" | "sixel"

/**
 * How a terminal shows pictures, by what it says of itself; undefined for one that shows none, as far as anybody knows. It is
 * not asked: one that does not answer would be waited for. What lies between (tmux, screen, zellij) would have to hand the
 * pictures on.
 */
export function picturesOf(env: Environment): PictureProtocol | undefined {
  const term = env.TERM ?? ""
  const isBetween = BETWEEN.some((name) => (env[name] ?? "") !== "") || /^(?:screen|tmux|dumb$)/.test(term)
  if (isBetween) return undefined
  const byName =
    BY_TERM.find(([pattern]) => pattern.test(term))?.[1] ?? BY_PROGRAM.get(env.TERM_PROGRAM ?? "")
  if (byName !== undefined || (env.TERM_PROGRAM ?? "") !== "") return byName
  if (env.LC_TERMINAL === "iTerm2") return "iterm"
  // A program in a window of kitty may have opened a terminal of its own, which has another name.
  return env.KITTY_WINDOW_ID !== undefined && /^xterm(?:-256color)?$/.test(term) ? "kitty" : undefined
}

const BETWEEN = ["TMUX", "STY", "ZELLIJ"]

const BY_TERM: readonly (readonly [RegExp, PictureProtocol])[] = [
  [/^xterm-(?:kitty|ghostty)$/, "kitty"],
  [/sixel|^(?:foot|mlterm|yaft|contour)(?:-|$)/, "sixel"],
]

const BY_PROGRAM: ReadonlyMap<string, PictureProtocol> = new Map([
  ["iTerm.app", "iterm"],
  ["WezTerm", "iterm"],
  ["ghostty", "kitty"],
  ["mintty", "sixel"],
])
