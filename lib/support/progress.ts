import { Presets, SingleBar } from "cli-progress"
import { safe } from "./text.ts"

/** Tells a person who waits how far a piece of work is. */
export interface Progress {
  /** Begins anew with `total` units of work, named in the plural. */
  start(total: number, unit: string): void
  /** `done` (1) more units are done; `text` says of what. */
  tick(done?: number, text?: string): void
  stop(): void
}

export const silentProgress: Progress = { start() {}, tick() {}, stop() {} }

/** A bar on a terminal whose cursor can be moved. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  const single = new SingleBar(
    {
      stream,
      format: "{bar} {percentage}% | {value}/{total} {unit} | {eta_formatted} left | {text}",
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  )
  return {
    start: (total, unit) => single.start(total, 0, { unit, text: "" }),
    tick: (done = 1, text) => single.increment(done, text === undefined ? {} : { text: safe(text) }),
    stop: () => single.stop(),
  }
}
