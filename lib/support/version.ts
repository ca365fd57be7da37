import manifest from "../../package.json" with { type: "json" }

/** This program's version, as receipts, runs and `--version` tell it. */
export const VERSION: string = manifest.version
