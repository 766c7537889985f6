import { deleteBackups, listBackups, listFolder, showBackup } from './handlers/backups.ts'
import { confirmClock, showDebug, showHealth, startScheduler, stopScheduler } from './handlers/daemon.ts'
import { actOnJob, countJobs, listJobs, runJob, setJobs, showJob } from './handlers/jobs.ts'
import { removeNotify, setNotify, showNotify } from './handlers/notify.ts'
import { QUESTION_ROUTES } from './handlers/questions.ts'
import { cancelRecord, showRecord } from './handlers/records.ts'
import { recoverFile, recoverFolder } from './handlers/recover.ts'
import type { Route } from './http/route.ts'

/** Bytes. The jobs of thousands of volumes arrive in one form field. */
const MAX_JOBS_BYTES = 32 * 1024 * 1024

/** Every route of the daemon: first the legacy routes with their statuses, then ours. See docs/protocol.md. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/api/v1/cron/jobs', handle: listJobs },
  { method: 'PUT', path: '/api/v1/cron/jobs', handle: setJobs, bodyLimit: MAX_JOBS_BYTES },
  { method: 'GET', path: '/api/v1/cron/jobs/count', handle: countJobs },
  { method: 'GET', path: '/api/v1/cron/jobs/:id', handle: showJob, notFound: 400 },
  { method: 'POST', path: '/api/v1/cron/jobs/:id/actions/:action', handle: actOnJob, notFound: 400 },
  { method: 'POST', path: '/api/v1/cron/once/:id', handle: runJob, notFound: 400 },
  { method: 'PUT', path: '/api/v1/cron/start', handle: startScheduler },
  { method: 'PUT', path: '/api/v1/cron/stop', handle: stopScheduler },
  { method: 'GET', path: '/api/v1/backup/json', handle: listBackups },
  { method: 'GET', path: '/api/v1/backup/info/file/:file', handle: showBackup, notFound: 503 },
  { method: 'GET', path: '/api/v1/backup/filelist/dir/*', handle: listFolder, notFound: 503 },
  { method: 'POST', path: '/api/v1/backup/delete', handle: deleteBackups },
  { method: 'POST', path: '/api/v1/backup/full/recover/file/:file', handle: recoverFile },
  { method: 'POST', path: '/api/v1/backup/increment/recover/dir/:dir', handle: recoverFolder },
  { method: 'GET', path: '/api/v1/notify', handle: showNotify },
  { method: 'PUT', path: '/api/v1/notify', handle: setNotify },
  { method: 'POST', path: '/api/v1/notify/actions/remove', handle: removeNotify },
  { method: 'GET', path: '/api/v1/debug', handle: showDebug },

  { method: 'GET', path: '/api/v1/cron/records/:rid', handle: showRecord },
  { method: 'POST', path: '/api/v1/cron/records/:rid/actions/cancel', handle: cancelRecord },
  { method: 'POST', path: '/api/v1/clock/actions/confirm', handle: confirmClock },
  ...QUESTION_ROUTES,
  { method: 'GET', path: '/healthz', handle: showHealth },
]
