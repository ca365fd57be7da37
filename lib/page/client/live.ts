import { morph } from "./morph.ts"
import { drawPlots } from "./plots.ts"

/** After the server has ended the connection, or refused it, it is asked again by and by. */
const AGAIN_MS = 15_000

/** A connection that comes back within so long was never missed. */
const LOST_MS = 8000

/**
 * Follows what the server says of the view's live part: an element with the attribute `data-live`, the address of its
 * events. Each event is the part anew, as the server drew it.
 */
export function followLive() {
  const part = document.querySelector<HTMLElement>("[data-live]")
  const address = part?.dataset.live
  if (part === null || address === undefined) return
  listen(part, address)
}

function listen(part: HTMLElement, address: string) {
  const events = new EventSource(address)
  let worry: ReturnType<typeof setTimeout> | undefined
  events.addEventListener("part", ({ data }: MessageEvent<string>) => {
    const fresh = document.createElement("template")
    fresh.innerHTML = data
    morph(part, fresh.content)
    drawPlots(part)
    clearTimeout(worry)
    worry = undefined
    part.removeAttribute("data-lost")
  })
  events.addEventListener("error", () => {
    worry ??= setTimeout(() => part.setAttribute("data-lost", ""), LOST_MS)
    // Else the browser tries by itself.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => listen(part, address), AGAIN_MS)
  })
}
