import type { DataSet, DicomFile } from "../format/dicom/model.ts"
import { short } from "./elements.ts"
import { type LookUpTable, readLookUpTable } from "./look-up-table.ts"
import type { Samples } from "./samples.ts"

/** A table of colours (PS3.3, section C.7.9). */
export interface Palette {
  /** Of an entry, 8 or 16. */
  readonly bits: number
  /** RGB, interleaved, of what these pixels stand for. Pixels outside of the table take its first or last entry. */
  colours(pixels: Samples): Uint8Array | Uint16Array
}

/** @returns undefined for a file without one, or with one that does not hold together */
export function paletteOf({ dataSet }: DicomFile): Palette | undefined {
  const [red, green, blue] = [0, 1, 2].map((channel) => channelOf(dataSet, channel))
  if (red === undefined || green === undefined || blue === undefined) return undefined
  const channels = [red, green, blue]
  // Entries of eight bits that are announced as sixteen are known.
  const isWide = channels.some(({ bits, entries }) => bits > 8 && entries.some((entry) => entry > 255))
  return {
    bits: isWide ? 16 : 8,
    colours(pixels) {
      const rgb = isWide ? new Uint16Array(3 * pixels.length) : new Uint8Array(3 * pixels.length)
      for (const [channel, { first, entries }] of channels.entries()) {
        const last = entries.length - 1
        for (let i = 0; i < pixels.length; i += 1) {
          rgb[3 * i + channel] = entries[Math.max(0, Math.min(last, pixels[i]! - first))]!
        }
      }
      return rgb
    },
  }
}

function channelOf(dataSet: DataSet, channel: number): LookUpTable | undefined {
  const isSigned = short(dataSet, 0x00280103) === 1
  return readLookUpTable(dataSet, {
    descriptor: 0x00281101 + channel,
    data: 0x00281201 + channel,
    segmented: 0x00281221 + channel,
    isSigned,
  })
}
