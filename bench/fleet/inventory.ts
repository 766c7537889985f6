/** Volumes of a proc; each has two jobs, a full backup and an increment. */
const JOBS_PER_VOLUME = 2
const SERVERS_PER_APP = 2

export interface FleetSize {
  servers: number
  /** Backup jobs of each server. */
  jobs: number
}

/** The loopback address of a server: `127.77.0.1`, `127.77.0.2`, … */
export function serverIp(n: number): string {
  return `127.77.${Math.floor(n / 250)}.${(n % 250) + 1}`
}

export function listServers({ servers }: FleetSize): string[] {
  return Array.from({ length: servers }, (_, n) => serverIp(n))
}

export function countApps({ servers }: FleetSize): number {
  return Math.ceil(servers / SERVERS_PER_APP)
}

export function appOfServer(n: number): string {
  return `app${Math.floor(n / SERVERS_PER_APP)}`
}

export function instanceOfServer(n: number): number {
  return (n % SERVERS_PER_APP) + 1
}

/** What the job number `no` of a server backs up. */
export function volumeOfJob(no: number): { volume: string; mode: 'full' | 'increment' } {
  const volume = `/data/${Math.floor(no / JOBS_PER_VOLUME)}`
  return { volume, mode: no % JOBS_PER_VOLUME === 0 ? 'full' : 'increment' }
}

/** The servers of an app. */
export function serversOfApp({ servers }: FleetSize, app: number): string[] {
  const first = app * SERVERS_PER_APP
  return Array.from({ length: Math.min(SERVERS_PER_APP, servers - first) }, (_, n) => serverIp(first + n))
}

/**
 * The inventory file of a fleet: an app runs on two servers, with an instance on each.
 * @param edited an app one of whose schedules is different; each number gives another schedule
 */
export function makeInventory(size: FleetSize, edited?: { app: number; minute: number }): string {
  const apps = Array.from({ length: countApps(size) }, (_, app) => {
    const minute = edited?.app === app ? edited.minute : 0
    return `  app${app}: { web: { on: [${serversOfApp(size, app).join(', ')}], volumes: {\n${makeVolumes(size, minute)} } } }\n`
  })
  return `apps:\n${apps.join('')}`
}

function makeVolumes({ jobs }: FleetSize, minute: number): string {
  const volumes = Array.from({ length: Math.ceil(jobs / JOBS_PER_VOLUME) }, (_, n) => {
    const full = `backup_full: { schedule: "${n === 0 ? minute : 0} 0 * * *", expire: 30d }`
    const increment = 'backup_increment: { schedule: "0 0 * * *", expire: 7d }'
    const isLast = n * JOBS_PER_VOLUME + 1 === jobs
    return `    /data/${n}: { ${isLast ? full : `${full}, ${increment}`} }`
  })
  return volumes.join(',\n')
}
