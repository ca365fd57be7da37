import manifest from "../../package.json" with { type: "json" }

/** This program's version, as receipts, runs and `--version` tell it. */
export const VERSION: string = manifest.version

/** The Bun that this program is tested with. */
export const PINNED_BUN: string = manifest.engines.bun
