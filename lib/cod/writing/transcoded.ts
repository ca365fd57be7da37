import { parseDicom } from "../format/dicom/index.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import type { Instance } from "../instance.ts"
import { MAX_PARSED_BYTES } from "../reading/facts.ts"

const TRANSFER_SYNTAX = "00020010"
const JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"

/**
 * Whether what is stored is this instance with its pixels encoded anew without loss, as the Python package stores it. Both
 * are read and decoded only where their transfer syntaxes leave that open.
 */
export async function isStoredTranscoded(
  known: InstanceRecord,
  instance: Instance,
  stored: (key: string, signal?: AbortSignal) => Promise<Instance>,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!known.hasPixeldata || known.tags()[TRANSFER_SYNTAX]?.Value?.[0] !== JPEG_2000_LOSSLESS) return false
  const { [TRANSFER_SYNTAX]: syntax } = await instance.metadata(signal)
  if (syntax?.Value?.[0] === JPEG_2000_LOSSLESS) return false
  await using view = await (await stored(known.key, signal)).open(signal)
  await using other = await instance.open(signal)
  if (Math.max(view.size, other.size) > MAX_PARSED_BYTES) return false
  const { isTranscoded } = await import("../pixels/transcoded.ts")
  const files = [parseDicom(await view.bytes(signal)), parseDicom(await other.bytes(signal))] as const
  return await isTranscoded(...files, signal)
}
