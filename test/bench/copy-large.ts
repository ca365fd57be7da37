import { COPY_LARGE } from "./benchmarks.ts"
import { main } from "./main.ts"

await main("bench:copy-large", [COPY_LARGE])
