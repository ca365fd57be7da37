import { backupCommand } from "../lib/operate/backup-command.ts"
import { main } from "../lib/support/cli.ts"

await main(
  {
    name: "backup",
    summary: "Copies the ledger as it is now, while others write it; the 7 newest copies are kept beside it.",
    example: "restore ledger-2026-03-01T02-00-00Z.sqlite --dry-run",
    arguments: {
      name: "COMMAND",
      description: "none: back up; list: the backups; restore FILE: put one in the ledger's place",
      parse: String,
    },
    config: ["ledger", "backup", "gcs"],
    changes: true,
  },
  async (start) => {
    const { report, text } = await backupCommand(start, start.args)
    await start.print(report, () => text)
    return 0
  },
)
