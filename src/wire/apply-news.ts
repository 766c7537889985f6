import { canRun } from './actions.ts'
import { findApp } from './find-app.ts'
import type { RunRecord } from './record.ts'

/**
 * Applies news to a known record. The result does not depend on order or repetition, because versions are ordered: the
 * end reported by the daemon is final; before it, the higher seq is newer. `lost`, the controller's guess, is the
 * exception: it and the daemon's own report of the same seq replace each other, so that a run without progress which
 * its daemon reports again is alive again. News from another server than the record's changes nothing.
 * @returns the new record, or undefined if the news changes nothing
 */
export function applyNews(known: RunRecord | undefined, news: RunRecord): RunRecord | undefined {
  if (!known) return news
  return news.server === known.server && isNewer(news, known) ? keepApp(known, news) : undefined
}

/** A run never changes its app, because that decides who may see it. */
function keepApp(known: RunRecord, news: RunRecord): RunRecord {
  const app = findApp(known)
  return app === '' || findApp(news) === app ? news : { ...news, args: { ...news.args, app } }
}

function isNewer(news: RunRecord, known: RunRecord): boolean {
  if (!canRun('replace', known.state)) return false
  const isFinal = !canRun('replace', news.state)
  if (isFinal || news.seq !== known.seq) return isFinal || news.seq > known.seq
  return (news.state === 'lost') !== (known.state === 'lost')
}
