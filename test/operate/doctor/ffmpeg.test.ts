import { expect, test } from "bun:test"
import { checkFfmpeg } from "../../../lib/operate/doctor/ffmpeg.ts"

test("a box without ffmpeg is told how to get it, unless no thumbnails are made there", () => {
  expect(checkFfmpeg(2, "/usr/bin/ffmpeg")).toEqual({ state: "ok", detail: "/usr/bin/ffmpeg" })
  const lacking = checkFfmpeg(2, "")
  const fix = lacking.state === "fault" ? lacking.fix : ""
  expect(fix).toContain("apt install ffmpeg")
  expect(fix).toContain("THUMBNAIL_CONCURRENCY")
  expect(checkFfmpeg(0, "").state).toBe("ok")
})
