import { drawPlots } from "./plots.ts"

/**
 * Follows what the server says of the view's live part: an element with the attribute `data-live`, the address of its events.
 * Each event is the part anew, as the server drew it.
 */
export function followLive() {
  const part = document.querySelector<HTMLElement>("[data-live]")
  const address = part?.dataset.live
  if (part === null || address === undefined) return
  const events = new EventSource(address)
  events.addEventListener("part", ({ data }) => {
    part.innerHTML = data
    drawPlots(part)
  })
  events.addEventListener("open", () => part.removeAttribute("data-lost"))
  events.addEventListener("error", () => part.setAttribute("data-lost", ""))
}
