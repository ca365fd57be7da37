/**
 * A process of its own that writes to a folder until it is killed, or to its end: `bun file-child.ts ROOT MODE NAME`.
 * Says on standard output, a line each, what was answered to it.
 */
import { renameSync } from "node:fs"
import { openFileStore } from "../../lib/storage/file.ts"
import { openCatalogue } from "../../lib/storage/file-catalogue.ts"
import { receiveUpload } from "../../lib/storage/file-uploads.ts"
import { noise, partsOf } from "../contract/bodies.ts"

const [root = "", mode = "", name = ""] = process.argv.slice(2)

const MODES: Record<string, () => Promise<void>> = {
  /** Creates keys that others want too, from the moment at which it is told to. */
  async create() {
    const store = openFileStore(root)
    say("ready")
    for await (const _ of process.stdin) break
    for (let i = 0; i < 150; i++) {
      const metadata = { by: name }
      const options = { contentType: "text/plain", ifGeneration: "absent", metadata } as const
      const written = store.write(`keys/${i}`, Buffer.from(name), options)
      await written.then(() => say(`keys/${i}`)).catch(ignorePrecondition)
    }
  },

  /** Replaces a few objects for ever, each time by bytes that its metadata tell, in one piece and in parts. */
  async replace() {
    const store = openFileStore(root)
    for (let seed = 1; ; seed++) {
      const key = `keys/${seed % 5}`
      const ifGeneration = (await store.head(key))?.generation ?? "absent"
      const options = { contentType: "text/plain", ifGeneration, metadata: { seed: String(seed) } }
      const bytes = noise(3000, seed)
      await store.write(key, seed % 2 === 0 ? bytes : partsOf(bytes), options)
      say(`${key} ${seed}`)
    }
  },

  /** Dies between the two steps of a write: its entry is announced, its file is not in place. */
  dieBeforeRename: () => dieWithin(() => {}),

  /** Dies when the file is in place, and its entry is not settled. */
  dieAfterRename: () => dieWithin((upload) => renameSync(upload, `${root}/object`)),
}

async function dieWithin(change: (upload: string) => void) {
  const catalogue = openCatalogue(root)
  const asked = { verb: "write", store: "test", key: "object" } as const
  const upload = await receiveUpload(asked, root, noise(200, 2), {})
  const { fileId, crc32c } = upload
  const entry = { key: "object", fileId, crc32c, contentType: "text/plain", metadata: { seed: "2" } }
  catalogue.announce(entry, upload.name)
  change(upload.path)
  process.kill(process.pid, "SIGKILL")
}

function say(line: string) {
  process.stdout.write(`${line}\n`)
}

function ignorePrecondition(error: Error) {
  if (error.name !== "PreconditionFailed") throw error
}

await MODES[mode]?.()
