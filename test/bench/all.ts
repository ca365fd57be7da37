import { COPY_LARGE, COPY_SMALL } from "./benchmarks.ts"
import { main } from "./main.ts"

await main("bench", [COPY_LARGE, COPY_SMALL])
