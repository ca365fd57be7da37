import { serveRounds, setupOf } from "./worker.ts"
import { DESTINATION, OBJECTS_PER_STUDY, ORIGIN, sourceKey, type Workload } from "./workload.ts"

export interface BareLoopSetup {
  readonly url: string
  readonly workload: Workload
}

if (import.meta.main) {
  const { url, workload } = setupOf<BareLoopSetup>()
  let round = 0
  await serveRounds(() => {
    const folder = `bare/${round++}`
    return () => bareLoop(url, folder, workload)
  })
}

/**
 * The least that a copy can be: GET by `fetch`, its body into an upload by `fetch`, one request each. Nothing is signed,
 * hashed, compared, recorded or tried again.
 */
async function bareLoop(url: string, folder: string, { studies, inFlight, buffered }: Workload) {
  const objects = studies * OBJECTS_PER_STUDY
  const upload = `${url}/upload/storage/v1/b/${DESTINATION}/o?uploadType=media&name=${folder}/`
  let next = 0
  const copyOne = async (n: number) => {
    const got = await fetch(`${url}/${ORIGIN}/${sourceKey(n)}`)
    const body = buffered ? await got.arrayBuffer() : got.body
    const put = await fetch(upload + n, { method: "POST", body })
    await put.arrayBuffer()
    if (!got.ok || !put.ok) throw new Error(`the bare loop was answered ${got.status} and ${put.status}`)
  }
  const copyOneByOne = async () => {
    while (next < objects) await copyOne(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, copyOneByOne))
}
