import { expect, test } from "bun:test"
import { picturesOf } from "../../lib/support/terminal-pictures.ts"

test.each([
  [{ TERM: "xterm-kitty" }, "kitty"],
  [{ TERM: "xterm-256color", KITTY_WINDOW_ID: "1" }, "kitty"],
  [{ TERM: "xterm-ghostty" }, "kitty"],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "ghostty" }, "kitty"],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "iTerm.app" }, "iterm"],
  [{ TERM: "xterm-256color", LC_TERMINAL: "iTerm2" }, "iterm"],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "WezTerm" }, "iterm"],
  [{ TERM: "foot" }, "sixel"],
  [{ TERM: "foot-extra", KITTY_WINDOW_ID: "1" }, "sixel"],
  [{ TERM: "mlterm-256color" }, "sixel"],
  [{ TERM: "xterm-sixel" }, "sixel"],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "mintty" }, "sixel"],
] as const)("a terminal that says %p shows pictures by %s", (env, protocol) => {
  expect(picturesOf(env)).toBe(protocol)
})

test.each([
  [{}],
  [{ TERM: "dumb", TERM_PROGRAM: "iTerm.app" }],
  [{ TERM: "xterm-256color" }],
  [{ TERM: "linux" }],
  [{ TERM: "footloose" }],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "vscode", KITTY_WINDOW_ID: "1" }],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "constructor" }],
  [{ TERM: "tmux-256color", TERM_PROGRAM: "WezTerm" }],
  [{ TERM: "screen.xterm-256color", KITTY_WINDOW_ID: "1" }],
  [{ TERM: "xterm-kitty", TMUX: "/tmp/tmux-1000/default,1,0" }],
  [{ TERM: "foot", STY: "1.pts" }],
] as const)("a terminal that says %p is shown none", (env) => {
  expect(picturesOf(env)).toBeUndefined()
})
