import { inMemory } from "../format/bytes.ts"
import type { Instance } from "../instance.ts"
import { ByteView } from "../view.ts"
import { frameReader } from "./frame-reader.ts"
import { type CheckedInstance, readInstance, viewOf } from "./instance-bytes.ts"
import type { Series } from "./series.ts"
import { trustIn } from "./trust.ts"

/** Reads instances and frames of one series. What it has found out stays with it. */
export interface SeriesReader {
  readonly series: Series
  /** A whole DICOM file, checked, and the metadata that it fits. */
  readInstance(key: string, signal?: AbortSignal): Promise<CheckedInstance>
  /** The same for who only wants the bytes. */
  openInstance(key: string, signal?: AbortSignal): Promise<ByteView>
  /** One frame, from 1, of an instance of the series; of its file where that was moved to. */
  openFrame(instance: Instance, frame: number, signal?: AbortSignal): Promise<ByteView>
}

export function openReader(series: Series): SeriesReader {
  const trust = trustIn(series)
  const readWhole = async (key: string, signal?: AbortSignal) => {
    const instance = await readInstance(series, key, signal)
    trust.proved(instance)
    return instance
  }
  const frames = frameReader(series, trust, readWhole)

  return {
    series,
    readInstance: readWhole,
    async openInstance(key, signal) {
      return viewOf(await readWhole(key, signal))
    },
    async openFrame(instance, frame, signal) {
      const bytes = instance.isMoved
        ? await copiedFrame(instance, frame, signal)
        : await frames.stored(instance.record!.key, frame, signal)
      series.metrics.add("framesRead")
      series.metrics.add("bytesRead", bytes.length)
      return new ByteView(inMemory(bytes))
    },
  }

  async function copiedFrame(instance: Instance, frame: number, signal?: AbortSignal): Promise<Uint8Array> {
    await using view = await instance.open(signal)
    const copy = { size: view.size, read: view.range.bind(view) }
    return await frames.copied(instance.record!, copy, frame, signal)
  }
}
