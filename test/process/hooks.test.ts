import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
async function startWithHooks(fields: string, ofVolume = '') {
  const [folder, hooks] = [await makeFolder(), makeHookFolder()]
  const file = join(folder, 'hooked.yaml')
  const schedule = `{ schedule: "0 3 * * *", expire: 30d, ${fields} }`
  const volume = `{ path: ${join(folder, 'volume')}, ${ofVolume} backup_full: ${schedule} }`
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
  return { url, hooks, file: join(folder, 'volume', 'file') }
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

async function follow(url: string, rid: string | undefined): Promise<EndedRecord> {
  for await (const event of watch<{ recordUpdated: { record: EndedRecord } }>(url, UPDATED, { rid }))
    if (!['QUEUED', 'RUNNING'].includes(event.recordUpdated.record.state)) return event.recordUpdated.record
  throw new Error('the run was not watched to its end')
}

async function backUp(url: string): Promise<EndedRecord> {
  const { jobs } = await ask<{ jobs: { id: string }[] }>(url, '{ jobs(filter: { action: "backup" }) { id } }')
  const run = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'
  const { runJob } = await ask<{ runJob: { rid: string } }>(url, run, { id: jobs[0]?.id })
  return await follow(url, runJob.rid)
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

test.skipIf(noHostHooks)(
  `a recover runs the hooks of its volume (${noHostHooks ?? 'needs root'})`,
  LONG,
  async () => {
    const recoverHooks = 'pre_recover: stop.sh, post_recover: { run: "start.sh -w", time_limit: 1m },'
    const { url, hooks, file } = await startWithHooks('always: end.sh', recoverHooks)
    for (const name of ['end.sh', 'stop.sh', 'start.sh'])
      hooks.write(name, 'echo "$BACKUPD_HOOK $BACKUPD_HOOK_VOLUME $1" >> out/calls')
    expect(await backUp(url)).toMatchObject({ state: 'SUCCESS', result: { hookCount: 1 } })
    await writeFile(file, 'newer')
    const { backups } = await ask<{ backups: { nodes: { name: string }[] } }>(
      url,
      '{ backups { nodes { name } } }',
    )
    const input = { app: 'shop', proc: 'web', backup: backups.nodes[0]?.name }
    const mutation = 'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }'
    const { recover } = await ask<{ recover: { rid: string } }>(url, mutation, { input })
    const { state, result } = await follow(url, recover.rid)
    expect(state).toBe('SUCCESS')
    expect(result?.hooks.map(({ hook }) => hook)).toEqual(['pre_recover', 'post_recover'])
    expect(await readFile(file, 'utf8')).toBe('content')
    expect(hooks.lines('calls')).toEqual([
      'always /data/db ',
      'pre_recover /data/db ',
      'post_recover /data/db -w',
    ])
  },
)
