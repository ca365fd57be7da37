import { describe, expect, test } from "bun:test"
import { PROJECT_ROOT, runScript, startScript } from "./process.ts"

const SCRIPT = "test/support/cli-script.ts"
const ID = "0195e000-0000-7000-8000-0000000000AA"

const run = (words: readonly string[], env: Record<string, string> = {}) =>
  runScript([SCRIPT, ...words], { env })

describe("what goes in", () => {
  test("flags and arguments arrive parsed, and --json prints one document and nothing else", async () => {
    const words = [ID, "--limit", "7", "--sample", "5%", "--retry-failed", "--dry-run", "--json"]
    const { exitCode, stdout } = await run(words, { COPY_CONCURRENCY: "9" })
    expect(JSON.parse(stdout)).toEqual({
      args: [ID.toLowerCase()],
      limit: 7,
      sample: 5,
      retryFailed: true,
      dryRun: true,
      concurrency: 9,
    })
    expect(exitCode).toBe(0)
  })

  test.each([[["-o", "a file"]], [["-oa file"]], [["--out", "a file"]], [["--out=a file"]]])(
    "what has a letter of its own is said by it, too: %p",
    async (words) => {
      const { stdout } = await run([...words, "--json"])
      expect(JSON.parse(stdout).out).toBe("a file")
    },
  )

  test("without flags there are none", async () => {
    const { stdout } = await run(["--json"])
    expect(JSON.parse(stdout)).toEqual({ args: [], retryFailed: false, dryRun: false, concurrency: 4 })
  })

  test.each([
    [["--limit", "x"], "--limit"],
    [["--limit", "0"], "--limit"],
    [["--limit", "1.5"], "--limit"],
    [["--limit"], "--limit"],
    [["-o"], "--out"],
    [["-x", "1"], "-x"],
    [["--sample", "101"], "--sample"],
    [["--retry-faild"], "--retry-faild"],
    [["0195e000"], "STUDY_ID"],
    [[`${ID}'; drop`], "STUDY_ID"],
  ])("%p is refused by name with exit code 2", async (words, name) => {
    const { exitCode, stdout, stderr } = await run(words)
    expect([exitCode, stdout]).toEqual([2, ""])
    expect(stderr).toStartWith("error: ")
    expect(stderr).toContain(name)
  })

  test("a wrong configuration ends it with exit code 2 before anything is done", async () => {
    const { exitCode, stdout, stderr } = await run([], { COPY_CONCURRENCY: "x", LOGGING_LEVEL: "loud" })
    expect([exitCode, stdout]).toEqual([2, ""])
    expect(stderr).toContain("COPY_CONCURRENCY")
    expect(stderr).toContain("LOGGING_LEVEL")
    expect(stderr).not.toContain("begun")
  })

  test("--help tells flags, an example, the variables and the exit codes, whatever the configuration", async () => {
    const { exitCode, stdout } = await run(["--help"], { COPY_CONCURRENCY: "x" })
    expect(exitCode).toBe(0)
    for (const text of [
      "[STUDY_ID...]",
      "--retry-failed",
      "--json",
      "--dry-run",
      "--limit 10",
      "-o, --out <FILE>",
      "COPY_CONCURRENCY",
      "130/143",
    ]) {
      expect(stdout).toContain(text)
    }
  })
})

describe("what comes out", () => {
  test("logs go to standard error, a line of JSON each, and without secrets", async () => {
    const { stdout, stderr } = await run([])
    expect(stdout).toBe("done \n")
    expect(JSON.parse(stderr)).toMatchObject({ level: "INFO", msg: "begun", password: "[hidden]" })
  })

  test("a retired variable is reported", async () => {
    const { exitCode, stderr } = await run([], { REDIS_URL: "redis://localhost" })
    expect(stderr).toContain("REDIS_URL is no longer used")
    expect(exitCode).toBe(0)
  })

  test("an error is told once, escaped, with its cause and without the password", async () => {
    const { exitCode, stdout, stderr } = await run(["--do", "fail"], {
      SOURCE_DATABASE_PASS: "hunter2hunter2",
    })
    expect([exitCode, stdout]).toEqual([1, ""])
    expect(stderr).toContain(
      "error: cannot\\x1b[2J copy (key=a\\nb)\n  because: Error: at postgres://u:[hidden]@h/d",
    )
    expect(stderr).not.toContain("hunter2")
  })

  test("the action's outcome is the exit code", async () => {
    expect((await run(["--do", "partly"])).exitCode).toBe(1)
  })

  test("what another process holds has an exit code of its own", async () => {
    expect((await run(["--do", "held"])).exitCode).toBe(3)
  })

  test("a defect outside of the action ends it, with a stack", async () => {
    const { exitCode, stderr } = await run(["--do", "defect"])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/TypeError: a defect[\s\S]*cli-script\.ts/)
  })

  test("a long document arrives whole", async () => {
    const { stdout } = await run(["--do", "long", "--json"])
    expect(JSON.parse(stdout).filler).toHaveLength(2_000_000)
  })

  test.each(["long", "watch"])("a reader that leaves early ends it quietly: %s", async (what) => {
    const pipeline = `"$0" --no-env-file ${SCRIPT} --do ${what} | head -c 10 >/dev/null; echo "\${PIPESTATUS[0]}"`
    const child = Bun.spawn(["bash", "-c", pipeline, process.execPath], {
      cwd: PROJECT_ROOT,
      env: { PATH: process.env.PATH },
      stdout: "pipe",
      stderr: "pipe",
    })
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
    expect(out).toBe("0\n")
    expect(err).not.toContain("EPIPE")
  })
})

describe("signals", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s asks it to stop, and is told by exit code %d", async (signal, code) => {
    await using script = startScript([SCRIPT, "--do", "wait"])
    await script.saysOnStderr("waiting")
    script.kill(signal)
    const { exitCode, stderr } = await script.finished
    expect(exitCode).toBe(code)
    expect(stderr).toContain(`stopped by ${signal}; start it again to go on`)
  })

  test("who finishes what is in flight prints its report, and still tells of the signal", async () => {
    await using script = startScript([SCRIPT, "--do", "finish", "--json"])
    await script.saysOnStderr("waiting")
    script.kill("SIGTERM")
    const { exitCode, stdout } = await script.finished
    expect(exitCode).toBe(143)
    expect(JSON.parse(stdout).args).toEqual([])
  })

  test("a later second signal ends it at once", async () => {
    await using script = startScript([SCRIPT, "--do", "ignore"])
    await script.saysOnStderr("waiting")
    script.kill("SIGINT")
    await script.saysOnStderr("asked to stop")
    // The earliest of them still belong to the first.
    const again = setInterval(() => script.kill("SIGINT"), 20)
    const { exitCode } = await script.finished.finally(() => clearInterval(again))
    expect(exitCode).toBe(130)
  })
})
