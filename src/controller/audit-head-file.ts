import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import { messageOf } from '../lib/errors.ts'
import type { Problems } from '../lib/problems.ts'
import type { AuditHead } from '../wire/audit-entry.ts'

const headSchema = z.object({ id: z.int().min(0), hash: z.string() })
const PROBLEM = { source: 'audit', key: 'head' }

/** The newest entry of the audit in `<data>/audit-head`, beside the catalog: after a copy was restored they differ. */
export class AuditHeadFile {
  readonly #file: string
  readonly #problems: Problems
  #saved: AuditHead | null = null
  #saving: Promise<void> = Promise.resolve()

  constructor(dataDir: string, problems: Problems) {
    this.#file = join(dataDir, 'audit-head')
    this.#problems = problems
    removeUnfinishedWrites(this.#file)
  }

  /** null if there is none, or if it cannot be read. */
  async read(): Promise<AuditHead | null> {
    try {
      const text = await readFileIfThere(this.#file)
      return text === undefined ? null : headSchema.parse(JSON.parse(text))
    } catch {
      return null
    }
  }

  /** Writes it if it has changed. A failure is a problem, and does not keep the controller from its work. */
  save(head: AuditHead | null): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write(head))
    return this.#saving
  }

  async #write(head: AuditHead | null): Promise<void> {
    if (head === null || head.id === this.#saved?.id) return
    try {
      await writeFileAtomically(this.#file, `${JSON.stringify(head)}\n`)
      this.#saved = head
      this.#problems.clear(PROBLEM.source, PROBLEM.key)
    } catch (error) {
      const text = `Cannot write ${this.#file}: ${messageOf(error)}. The next start may take the catalog for a restored copy`
      this.#problems.report({ ...PROBLEM, text })
    }
  }
}
