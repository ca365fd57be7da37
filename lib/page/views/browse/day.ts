/** A day of the calendar, `2026-03-01`, and nothing else that looks like one. */
export function dayIn(text: string | null): string | undefined {
  if (text === null || !/^[12]\d{3}-\d{2}-\d{2}$/.test(text)) return undefined
  const date = new Date(`${text}T00:00:00Z`)
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text ? undefined : text
}

/** When a day begins in a time zone and when the next one does, in UTC, as ISO times without a zone. */
export function boundsOfDay(
  day: string,
  timezone: string,
): { readonly from: string; readonly before: string } {
  const start = Date.parse(`${day}T00:00:00Z`)
  return { from: instantOf(start, timezone), before: instantOf(start + 86_400_000, timezone) }
}

/** @param local a wall clock's time, as if it were UTC's */
function instantOf(local: number, timezone: string): string {
  // The offset is that of a moment which is near: once more with the result, since clocks may be put forward between.
  const near = local - offsetAt(local, timezone)
  return new Date(local - offsetAt(near, timezone)).toISOString().slice(0, 19)
}

/** How far a zone's clocks are ahead of UTC, in milliseconds. */
function offsetAt(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(at)
  const of = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)?.value)
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) - at
}
