import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeHookFolder, noHostHooks } from '../support/host-hooks.ts'
import { ask, startStandalone, watch } from '../support/standalone.ts'

const LONG = { timeout: 60_000 }

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backupd-hooks-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'volume'))
  await writeFile(join(folder, 'volume', 'file'), 'content')
  return folder
}

/** A standalone whose only job has these fields besides its schedule. */
async function startWithHooks(fields: string) {
  const [folder, hooks] = [await makeFolder(), makeHookFolder()]
  const file = join(folder, 'hooked.yaml')
  const schedule = `{ schedule: "0 3 * * *", expire: 30d, ${fields} }`
  const volume = `{ path: ${join(folder, 'volume')}, backup_full: ${schedule} }`
  await writeFile(file, `apps: { shop: { web: { on: [127.0.0.1], volumes: { /data/db: ${volume} } } } }\n`)
  const { program, url } = await startStandalone(folder, [
    '--inventory',
    file,
    '--allow-host-hooks',
    hooks.dir,
  ])
  onTestFinished(async () => {
    program.process.kill('SIGKILL')
    await program.ended
  })
  await program.said(/\/graphql/)
  return { url, hooks }
}

interface EndedRecord {
  state: string
  reason: string | null
  warnings: string[]
  result: { hookCount: number; hooks: Record<string, unknown>[] } | null
}

const UPDATED = `subscription ($rid: ID) { recordUpdated(rid: $rid) { record {
  state reason warnings result { hookCount hooks { hook container attempt exitCode failure stdout stderr } }
} } }`

async function backUp(url: string): Promise<EndedRecord> {
  const { jobs } = await ask<{ jobs: { id: string }[] }>(url, '{ jobs(filter: { action: "backup" }) { id } }')
  const run = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'
  const { runJob } = await ask<{ runJob: { rid: string } }>(url, run, { id: jobs[0]?.id })
  for await (const { recordUpdated } of watch<{ recordUpdated: { record: EndedRecord } }>(
    url,
    UPDATED,
    runJob,
  ))
    if (!['QUEUED', 'RUNNING'].includes(recordUpdated.record.state)) return recordUpdated.record
  throw new Error('the run was not watched to its end')
}

test.skipIf(noHostHooks)(
  `what the hooks of a run did is in its record (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const fields =
      'pre_run: { run: "quiesce.sh --flush", policy: warn }, post_run: { run: resume.sh, time_limit: 1s }'
    const { url, hooks } = await startWithHooks(fields)
    hooks.write('quiesce.sh', 'echo "quiet $1"; echo almost >&2; exit 3')
    hooks.write('resume.sh', 'sleep 600')
    const { state, reason, warnings, result } = await backUp(url)
    const [quiesce, resume] = [
      'the hook pre_run (quiesce.sh) on this machine failed with exit code 3. It wrote: almost',
      'the hook post_run (resume.sh) on this machine took longer than 1 s, its time limit, and was ended',
    ]
    expect({ state, reason }).toEqual({ state: 'PARTIAL', reason: resume })
    expect(warnings).toContain(quiesce)
    const place = { container: null, attempt: 1 }
    expect(result).toEqual({
      hookCount: 2,
      hooks: [
        {
          ...place,
          hook: 'pre_run',
          exitCode: 3,
          failure: quiesce,
          stdout: 'quiet --flush\n',
          stderr: 'almost\n',
        },
        { ...place, hook: 'post_run', exitCode: null, failure: resume, stdout: '', stderr: '' },
      ],
    })
  },
)
