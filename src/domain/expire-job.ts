import { SYSTEM_APP } from '../wire/find-app.ts'
import { ipv4Hex } from '../wire/ids.ts'
import { makeLegacySource } from '../wire/legacy-source.ts'
import type { PlannedJob } from './plan.ts'

export function findJobApp({ volume }: Pick<PlannedJob, 'volume'>): string {
  return volume?.app ?? SYSTEM_APP
}

/** The expire job of a server has no id on the wire; users see `0a4d000b-expire`. */
export function expireJobId(server: string): string {
  return `${ipv4Hex(server)}-expire`
}

/**
 * The expire job of a server, run every minute: `info` = [legacy source, expire, …]. A job without a readable
 * `expire` is left out, so that its backups stay.
 */
export function expireJob(server: string, backups: PlannedJob[]): PlannedJob {
  const info = backups.flatMap(({ job, expire }) => {
    const mode = job.args.mode === 'increment' ? 'increment' : 'full'
    return expire ? [makeLegacySource({ source: String(job.args.path), mode }), expire] : []
  })
  return {
    id: expireJobId(server),
    server,
    job: { id: '', spec: '* * * * *', action: 'backup_expire', args: { info }, type: 'cron', sleep: false },
    volume: null,
    expire: null,
  }
}
