import { openBodies } from "./bodies.ts"
import { openBuckets } from "./buckets.ts"
import type { Cloud, CloudOptions } from "./cloud.ts"
import { answerControl, isControlPath } from "./control.ts"
import { directAccess } from "./direct.ts"
import { openFaults } from "./faults.ts"
import { type Front, startFront } from "./front.ts"
import { openSessions } from "./gcs-sessions.ts"
import { handle } from "./handler.ts"
import { openLog } from "./log.ts"
import { openRoles } from "./roles.ts"
import type { World } from "./world.ts"

export type { Cloud, CloudOptions }

/** Starts the stand-in on a free port of 127.0.0.1. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { faults: withFaults = true, keepAlive = true, logEntries = true, sink = "keep" } = options
  const world: World = {
    buckets: openBuckets(openBodies({ discard: sink === "discard" })),
    sessions: openSessions(),
    roles: openRoles(),
  }
  const handling = { world, log: openLog({ keepEntries: logEntries }), faults: openFaults(), keepAlive }
  let front: Front | undefined
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, server) =>
      isControlPath(request.url)
        ? answerControl(cloud, request)
        : handle(handling, request, () => front!.connection(server.requestIP(request)?.port)),
  })
  if (withFaults) front = await startFront(server.port!)
  const stop = async () => {
    handling.faults.releaseAll()
    await front?.[Symbol.asyncDispose]()
    await server.stop(true)
  }
  const cloud: Cloud = {
    ...directAccess(world.buckets),
    url: `http://127.0.0.1:${front?.port ?? server.port}`,
    log: handling.log,
    roles: world.roles,
    fail(rule) {
      if (front === undefined) throw new Error("this server was started without faults")
      return handling.faults.add(rule)
    },
    heal: () => handling.faults.releaseAll(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
  return cloud
}
