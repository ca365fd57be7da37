import type { MetadataLimits } from "./types.ts"

/** A hundred thousand instances, and a frame's description for each of fifty thousand frames. */
export const DEFAULT_LIMITS: MetadataLimits = { documentBytes: 2 ** 29, tagsBytes: 2 ** 26 }
