import { archiveName } from '../../src/wire/archive-name.ts'

/** The daemon whose plugins run in the test's own process. */
export const SERVER = '10.77.0.11'

const SHOP = { app: 'shop', proc: 'shop.web.web', instanceNo: 1, volume: '/data/db' }

export function backupArgs(path: string, of = SHOP) {
  const { app, proc, instanceNo, volume } = of
  return {
    app,
    proc,
    instanceNo,
    volume,
    path,
    archive: archiveName(of),
    containers: [],
    mode: 'full',
    postRun: '',
    preRun: '',
  }
}

export function recoverArgs(backup: string, { app, proc } = SHOP) {
  return { app, proc, backup, destDir: '', files: null, namespace: SERVER }
}
