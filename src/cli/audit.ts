import { Command } from 'commander'
import type { Execute } from '../client/execute.ts'
import { AuditPageDocument, type AuditPageQuery } from '../client/generated/operations.ts'
import { BackupdError } from '../lib/errors.ts'
import { AuditCheck, type AuditFindings } from '../wire/audit-check.ts'
import type { AuditEntry } from '../wire/audit-entry.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print } from './print.ts'
import { formatTable } from './table.ts'

interface AuditFlags extends ClientFlags {
  verb?: string
  from?: string
  to?: string
  first: string
  verify: boolean
  head?: string
  export: boolean
}

const PAGE = 500

export function auditCommand(): Command {
  return addClientFlags(new Command('audit'))
    .description(
      'Shows who did what, newest first, or checks that nothing was changed there. It takes an admin.',
    )
    .option('--verb <verb>', 'only this, such as recover')
    .option('--from <time>', 'at or after this time, such as 2026-12-01')
    .option('--to <time>', 'before this time')
    .option('--first <n>', 'how many entries', '50')
    .option('--export', 'print all entries, each as JSON on a line', false)
    .option('--verify', 'check the whole chain', false)
    .option(
      '--head <id:hash>',
      'with --verify: an entry that the log of the controller names must be in the chain',
    )
    .action(showAudit)
}

async function showAudit(flags: AuditFlags): Promise<void> {
  const filter = {
    verb: flags.verb,
    from: parseBound('--from', flags.from),
    to: parseBound('--to', flags.to),
  }
  const execute = await connectToController(flags)
  if (flags.verify) return verify(readAudit(execute, {}), flags)
  const first = flags.export ? Number.POSITIVE_INFINITY : parseCount(flags.first)
  if (flags.export) return exportEntries(readAudit(execute, filter))
  const entries = await Array.fromAsync(readAudit(execute, filter, first))
  print(flags.json ? `${JSON.stringify(entries)}\n` : `${describeEntries(entries)}\n`)
}

/** All entries that match, page by page. */
async function* readAudit(
  execute: Execute,
  filter: { verb?: string | undefined; from?: string | undefined; to?: string | undefined },
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<AuditEntry> {
  let after: string | null = null
  for (let left = most; left > 0; left -= PAGE) {
    const asked: AuditPageQuery = await execute(AuditPageDocument, {
      first: Math.min(PAGE, left),
      after,
      filter,
    })
    const { nodes, pageInfo } = asked.audit
    for (const node of nodes) yield toEntry(node)
    if (!pageInfo.hasNextPage) return
    after = pageInfo.endCursor
  }
}

function toEntry({ id, begin, ...node }: AuditPageQuery['audit']['nodes'][number]): AuditEntry {
  const facts = node.facts as AuditEntry['facts']
  return { ...node, facts, id: Number(id), begin: begin === null ? null : Number(begin) }
}

async function exportEntries(entries: AsyncIterable<AuditEntry>): Promise<void> {
  for await (const entry of entries) print(`${JSON.stringify(entry)}\n`)
}

async function verify(entries: AsyncIterable<AuditEntry>, { head, json }: AuditFlags): Promise<void> {
  const wanted = parseHead(head)
  const check = new AuditCheck()
  let newest: AuditEntry | undefined
  let isFound = wanted === undefined
  for await (const entry of entries) {
    newest ??= entry
    isFound ||= entry.id === wanted?.id && entry.hash === wanted.hash
    check.add(entry)
  }
  const found = check.finish()
  isFound ||= wanted !== undefined && check.isCheckpoint(wanted)
  if (!isFound && wanted && check.isPruned(wanted)) throw makeTooOld(head)
  const problems = [...(isFound ? [] : [`Entry ${head} is not in the chain`]), ...check.problems]
  const present = newest ? `${newest.id}:${newest.hash ?? ''}` : ''
  if (json) print(`${JSON.stringify({ ...found, head: present, problems })}\n`)
  else if (problems.length === 0) print(`${describeFindings(found)} The head is ${present}\n`)
  if (problems.length > 0)
    throw new BackupdError('CONFLICT', `The audit was changed:\n${problems.join('\n')}`)
}

/** Also says what nobody can check: entries without a hash, and catalogs that were replaced. */
function describeFindings({ count, open, unchained, epochs }: AuditFindings): string {
  return [
    `${count} entries, none changed. ${open.length} have no end yet.`,
    ...(unchained > 0
      ? [`${unchained} have no hash, as those of older versions: nobody can check these.`]
      : []),
    ...(epochs.length > 0
      ? [
          `The catalog was replaced before entry ${epochs.join(', ')}: later ones of the old catalog are missing.`,
        ]
      : []),
  ].join(' ')
}

function makeTooOld(head: string | undefined): BackupdError {
  const message = `--head is ${head}, which is older than the entries that are kept. Take a newer one of the log`
  return new BackupdError('BAD_INPUT', message)
}

function parseHead(text: string | undefined): { id: number; hash: string } | undefined {
  if (text === undefined) return undefined
  const [, id, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (id !== undefined && hash !== undefined) return { id: Number(id), hash }
  throw new BackupdError('BAD_INPUT', `--head is ${JSON.stringify(text)}, expected ID:HASH as in the log`)
}

function parseBound(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  throw new BackupdError(
    'BAD_INPUT',
    `${flag} is ${JSON.stringify(text)}, expected a time such as 2026-12-01T05:00:00Z`,
  )
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new BackupdError(
    'BAD_INPUT',
    `--first is ${JSON.stringify(text)}, expected a whole number from 1 to 9999999`,
  )
}

function describeEntries(entries: readonly AuditEntry[]): string {
  const rows = entries.map(({ id, at, who, verb, facts, outcome, begin }) => [
    ...[String(id), at, who, verb],
    begin === null ? JSON.stringify(facts) : `as ${begin}`,
    outcome,
  ])
  return formatTable(['id', 'at', 'who', 'what', 'on', 'outcome'], rows)
}
