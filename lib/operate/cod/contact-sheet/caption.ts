import { count, plural } from "../../../support/text.ts"
import type { Tile } from "./tile.ts"

/** What is written below a tile's pictures. */
export interface Caption {
  /** Modality, body parts, views. */
  readonly title: string
  /** What there is of it, and which part of it is shown. */
  readonly facts: readonly string[]
}

export function captionOf({ subject, extents, instances, frames, stills, undecoded }: Tile): Caption {
  const { modalities, bodyParts, views } = subject
  const title = [modalities, bodyParts, views]
    .map((values) => values.join(", "))
    .filter((text) => text !== "")
  const sizes = extents.map(({ width, height }) => `${width} × ${height}`)
  const isPart = frames !== undefined && frames > stills.length
  return {
    title: title.length === 0 ? "Unknown modality" : title.join(" · "),
    facts: [
      ...(sizes.length > 0
        ? [sizes.length === 1 ? `${sizes[0]} pixels` : `${count(sizes.length)} sizes`]
        : []),
      [
        ...(instances === undefined ? [] : [plural(instances, "instance")]),
        ...(frames === undefined || frames === instances ? [] : [plural(frames, "frame")]),
        ...(isPart && stills.length > 0 ? [`${stills.length} shown`] : []),
      ].join(", "),
      undecoded === 0 ? "" : `${plural(undecoded, "frame")} cannot be decoded`,
    ].filter((text) => text !== ""),
  }
}
