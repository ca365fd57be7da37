import { inMemory } from "../format/bytes.ts"
import type { Instance } from "../instance.ts"
import { ByteView } from "../view.ts"
import { frameOfBytes, frameReader } from "./frame-reader.ts"
import { readInstance } from "./instance-bytes.ts"
import type { Series } from "./series.ts"
import { trustIn } from "./trust.ts"

/** Reads instances and frames of one series. What it has found out stays with it. */
export interface SeriesReader {
  readonly series: Series
  /** A whole DICOM file, checked. */
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
  const readFrame = frameReader(series, trust, readWhole)

  return {
    series,
    async openInstance(key, signal) {
      const instance = await readWhole(key, signal)
      return new ByteView(instance.bytes, () => instance[Symbol.dispose]())
    },
    async openFrame(instance, frame, signal) {
      const bytes = instance.isMoved
        ? await frameOfMoved(instance, frame, signal)
        : await readFrame(instance.record!.key, frame, signal)
      series.metrics.add("framesRead")
      series.metrics.add("bytesRead", bytes.length)
      return new ByteView(inMemory(bytes))
    },
  }
}

async function frameOfMoved(instance: Instance, frame: number, signal?: AbortSignal): Promise<Uint8Array> {
  await using view = await instance.open(signal)
  const bytes = { size: view.size, read: view.range.bind(view) }
  return await frameOfBytes(bytes, instance.dicomUri, frame, signal)
}
