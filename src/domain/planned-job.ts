import { flattenText } from '../lib/flat-text.ts'
import type { Capability } from '../wire/capabilities.ts'
import { DRILL_DUE_ACTION, type DrillDueArgs } from '../wire/drill-schedule.ts'
import { SYSTEM_APP } from '../wire/find-app.ts'
import { ipv4Hex, jobId } from '../wire/ids.ts'
import type { InventorySchedule } from '../wire/inventory.ts'
import type { BackupArgs, Job, JobOptions } from '../wire/job.ts'
import { makeLegacySource } from '../wire/legacy-source.ts'
import { VERIFY_DUE_ACTION, type VerifyDueArgs } from '../wire/verify-schedule.ts'
import type { PlannedJob, PlannedVolume } from './plan.ts'

/** Backs up a volume by one of its schedules. */
export class BackupJob implements PlannedJob {
  readonly id: string
  readonly volume: PlannedVolume
  private readonly schedule: InventorySchedule

  constructor(volume: PlannedVolume, schedule: InventorySchedule) {
    this.volume = volume
    this.schedule = schedule
    const args = this.#makeArgs()
    const named = schedule.namesNoMode ? { ...args, mode: '' } : args
    this.id = flattenText(jobId(volume.server, { spec: schedule.spec, action: 'backup', args: named }))
  }

  get server(): string {
    return this.volume.server
  }

  get spec(): string {
    return this.schedule.spec
  }

  get action(): 'backup' {
    return 'backup'
  }

  get mode(): 'full' | 'increment' {
    return this.schedule.mode
  }

  get expire(): string {
    return this.schedule.expire
  }

  get needs(): Capability | null {
    const { on_failure, always } = this.schedule.hooks ?? {}
    return on_failure || always ? 'end-hooks' : null
  }

  get job(): Job {
    const { id, spec, action } = this
    const options = this.#makeOptions()
    const job: Job = { id, spec, action, args: this.#makeArgs(), type: 'cron', sleep: false }
    return Object.keys(options).length > 0 ? { ...job, options } : job
  }

  #makeArgs(): BackupArgs {
    const { app, archive, containers, instanceNo, path, proc, name } = this.volume
    const { mode, postRun, preRun } = this.schedule
    return { app, archive, containers, instanceNo, mode, path, postRun, preRun, proc, volume: name }
  }

  /** Only the settings that are given, so that a list without settings keeps its version. */
  #makeOptions(): JobOptions {
    const { consistency } = this.volume
    const { mode, timeLimitSeconds, rereadEveryDays, hooks } = this.schedule
    return {
      ...(timeLimitSeconds && { timeLimitSeconds }),
      ...(consistency && { consistency }),
      ...(rereadEveryDays && mode === 'increment' && { rereadEveryDays }),
      ...(hooks && { hooks }),
    }
  }
}

/** Expires the backups of a server, every minute. */
export class ExpireJob implements PlannedJob {
  readonly id: string
  readonly server: string
  readonly volume = null
  readonly expire = null
  readonly mode = null
  readonly needs = null
  private readonly backups: readonly PlannedJob[]

  /** @param backups all that the daemon makes; a job without a readable `expire` is left out, so that its backups stay */
  constructor(server: string, backups: readonly PlannedJob[]) {
    this.id = expireJobId(server)
    this.server = server
    this.backups = backups
  }

  get spec(): string {
    return '* * * * *'
  }

  get action(): 'backup_expire' {
    return 'backup_expire'
  }

  /** `info` = [legacy source, expire, …]. */
  get job(): Job {
    const { spec, action } = this
    const info = this.backups.flatMap(({ volume, mode, expire }) =>
      expire && volume && mode ? [makeLegacySource({ source: volume.path, mode }), expire] : [],
    )
    return { id: '', spec, action, args: { info }, type: 'cron', sleep: false }
  }
}

/** The jobs that prove the backups of a server: how their ids end, and what a daemon needs for them. */
const PROOFS = {
  [VERIFY_DUE_ACTION]: { suffix: 'verify', needs: 'verify-schedule' },
  [DRILL_DUE_ACTION]: { suffix: 'drill', needs: 'drill-schedule' },
} as const

type Proof =
  | { action: typeof VERIFY_DUE_ACTION; args: VerifyDueArgs }
  | { action: typeof DRILL_DUE_ACTION; args: DrillDueArgs }

/** Verifies the backups of a server whose proof is due, or drills the newest good ones. Its id stays the same whatever the inventory says. */
export class ProofJob implements PlannedJob {
  readonly id: string
  readonly server: string
  readonly spec: string
  readonly volume = null
  readonly expire = null
  readonly mode = null
  private readonly proof: Proof

  constructor(server: string, spec: string, proof: Proof) {
    this.id = `${ipv4Hex(server)}-${PROOFS[proof.action].suffix}`
    this.server = server
    this.spec = spec
    this.proof = proof
  }

  get action(): Proof['action'] {
    return this.proof.action
  }

  get needs(): Capability {
    return PROOFS[this.action].needs
  }

  get job(): Job {
    const { id, spec, action } = this
    return { id, spec, action, args: this.proof.args, type: 'cron', sleep: false }
  }
}

export function findJobApp({ volume }: Pick<PlannedJob, 'volume'>): string {
  return volume?.app ?? SYSTEM_APP
}

/** The expire job of a server has no id on the wire; users see `0a4d000b-expire`. */
export function expireJobId(server: string): string {
  return `${ipv4Hex(server)}-expire`
}
