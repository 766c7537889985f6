import { CONTENT_PATIENCE_MS } from '../wire/file-content.ts'
import {
  handleBackupDelete,
  handleBackupInfo,
  handleBackupList,
  handleFolderList,
} from './handlers/backups.ts'
import { handleContent } from './handlers/content.ts'
import {
  handleCertificateRenew,
  handleClockConfirm,
  handleDebug,
  handleHealth,
  handleSchedulerStart,
  handleSchedulerStop,
} from './handlers/daemon.ts'
import {
  handleJob,
  handleJobAction,
  handleJobCount,
  handleJobList,
  handleJobUpload,
  handleRunOnce,
} from './handlers/jobs.ts'
import { handleKeptDrop, handleKeptUndo } from './handlers/kept.ts'
import { handleMetrics } from './handlers/metrics.ts'
import { handleNotifyAdd, handleNotifyList, handleNotifyRemove } from './handlers/notify.ts'
import { QUESTION_ROUTES } from './handlers/questions.ts'
import { handleRecord, handleRecordCancel, handleRecordLog } from './handlers/records.ts'
import { handleRecoverFile, handleRecoverFolder } from './handlers/recover.ts'
import { handleDrill, handleVerify } from './handlers/verify.ts'
import type { DaemonRoute } from './http/route.ts'

/** Bytes. The jobs of thousands of volumes arrive in one form field. */
const MAX_JOBS_BYTES = 32 * 1024 * 1024

export const METRICS_ROUTE: DaemonRoute = { method: 'GET', path: '/metrics', handle: handleMetrics }

/** Every route of the daemon: first the legacy routes with their statuses, then ours. See docs/protocol.md. */
export const DAEMON_ROUTES: readonly DaemonRoute[] = [
  { method: 'GET', path: '/api/v1/cron/jobs', handle: handleJobList },
  { method: 'PUT', path: '/api/v1/cron/jobs', handle: handleJobUpload, bodyLimit: MAX_JOBS_BYTES },
  { method: 'GET', path: '/api/v1/cron/jobs/count', handle: handleJobCount },
  { method: 'GET', path: '/api/v1/cron/jobs/:id', handle: handleJob, notFound: 400 },
  { method: 'POST', path: '/api/v1/cron/jobs/:id/actions/:action', handle: handleJobAction, notFound: 400 },
  { method: 'POST', path: '/api/v1/cron/once/:id', handle: handleRunOnce, notFound: 400 },
  { method: 'PUT', path: '/api/v1/cron/start', handle: handleSchedulerStart },
  { method: 'PUT', path: '/api/v1/cron/stop', handle: handleSchedulerStop },
  { method: 'GET', path: '/api/v1/backup/json', handle: handleBackupList },
  { method: 'GET', path: '/api/v1/backup/info/file/:file', handle: handleBackupInfo, notFound: 503 },
  { method: 'GET', path: '/api/v1/backup/filelist/dir/*', handle: handleFolderList, notFound: 503 },
  { method: 'POST', path: '/api/v1/backup/delete', handle: handleBackupDelete },
  { method: 'POST', path: '/api/v1/backup/full/recover/file/:file', handle: handleRecoverFile },
  { method: 'POST', path: '/api/v1/backup/increment/recover/dir/:dir', handle: handleRecoverFolder },
  { method: 'GET', path: '/api/v1/notify', handle: handleNotifyList },
  { method: 'PUT', path: '/api/v1/notify', handle: handleNotifyAdd },
  { method: 'POST', path: '/api/v1/notify/actions/remove', handle: handleNotifyRemove },
  { method: 'GET', path: '/api/v1/debug', handle: handleDebug },

  { method: 'GET', path: '/api/v1/cron/records/:rid', handle: handleRecord },
  { method: 'GET', path: '/api/v1/cron/records/:rid/log', handle: handleRecordLog },
  { method: 'POST', path: '/api/v1/cron/records/:rid/actions/cancel', handle: handleRecordCancel },
  { method: 'POST', path: '/api/v1/backup/kept/actions/undo', handle: handleKeptUndo },
  { method: 'POST', path: '/api/v1/backup/kept/actions/drop', handle: handleKeptDrop },
  { method: 'POST', path: '/api/v1/backup/drill/:name', handle: handleDrill },
  { method: 'POST', path: '/api/v1/backup/verify/:name', handle: handleVerify },
  { method: 'POST', path: '/api/v1/clock/actions/confirm', handle: handleClockConfirm },
  { method: 'POST', path: '/api/v1/certificate/actions/renew', handle: handleCertificateRenew },
  {
    method: 'GET',
    path: '/api/v1/backup/content/:name',
    handle: handleContent,
    patienceMs: CONTENT_PATIENCE_MS,
  },
  ...QUESTION_ROUTES,
  { method: 'GET', path: '/healthz', handle: handleHealth },
  METRICS_ROUTE,
]
