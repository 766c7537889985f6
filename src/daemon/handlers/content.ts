import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import { readBackupName, readNamespace } from './names.ts'

/** Answers with the content of one file of a backup, of any namespace, or with the part that `range` names. */
export async function handleContent(
  { params, fields, late }: DaemonCall,
  { engine, ip }: DaemonParts,
): Promise<DaemonAnswer> {
  const { head, content } = await engine.read(
    {
      namespace: readNamespace(fields, ip),
      name: readBackupName(params.name ?? ''),
      path: fields.text('path'),
      snapshot: fields.text('snapshot'),
      range: fields.text('range'),
    },
    late,
  )
  const { size, span, isPart } = head
  const known = isPart ? `bytes ${span ? `${span.from}-${span.end - 1}` : '*'}/${size}` : undefined
  const headers = {
    'content-length': String(span ? span.end - span.from : 0),
    ...(known !== undefined && { 'content-range': known }),
  }
  return {
    status: span === null ? 416 : isPart ? 206 : 200,
    stream: { type: 'application/octet-stream', content, headers },
  }
}
