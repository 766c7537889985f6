import { execFileSync } from 'node:child_process'
import { bundleAside } from '../scripts/bundle.ts'

/**
 * The health of many volumes: `node bench/health.ts [VOLUMES] [RECORDS]`, 5,000 and 200,000 by default. One controller in
 * a process, without HTTP: the real catalog, no daemons. Each volume has a daily full backup and hourly increments.
 */
const measure = await bundleAside('bench/health-child.ts')
execFileSync(process.execPath, [measure, ...process.argv.slice(2)], { stdio: 'inherit' })
