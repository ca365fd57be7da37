import { COPY_SMALL } from "./benchmarks.ts"
import { main } from "./main.ts"

await main("bench:copy-small", [COPY_SMALL])
