import type { GoServer } from "./go-server.ts"

/** Google Cloud Storage as an independent project speaks it. */
export const FAKE_GCS_SERVER: GoServer = {
  module: "github.com/fsouza/fake-gcs-server",
  version: "v1.56.1",
  args: (port) => [
    ...["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-backend", "memory"],
    ...[
      "-external-url",
      `http://127.0.0.1:${port}`,
      "-public-host",
      `127.0.0.1:${port}`,
      "-log-level",
      "error",
    ],
  ],
}
