import { InvalidMetadata } from "../errors.ts"
import type { MetadataLimits, MetadataVersion, SeriesMetadata } from "./types.ts"

/** Ten times what a series of 100,000 instances needs. */
export const DEFAULT_LIMITS: MetadataLimits = { documentBytes: 2 ** 30, tagsBytes: 2 ** 28 }

/**
 * Reads a metadata.json, gzip or plain.
 *
 * @throws InvalidMetadata, TooLarge for the document as a whole; a faulty instance is an `UnreadableInstance` in it
 */
export function parseSeriesMetadata(_bytes: Uint8Array, _limits = DEFAULT_LIMITS): SeriesMetadata {
  throw new InvalidMetadata("not yet readable")
}

/**
 * A metadata.json, gzip. Instances are written as `version`, but for those that cannot be told in it.
 *
 * @throws InvalidMetadata when a field has a reserved name
 */
export function encodeSeriesMetadata(
  _series: SeriesMetadata,
  _options: { readonly version?: MetadataVersion } = {},
): Uint8Array {
  throw new InvalidMetadata("not yet writable")
}
