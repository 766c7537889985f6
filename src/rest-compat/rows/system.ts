import { LegacyCopyDocument } from '../../client/generated/operations.ts'
import { BackupdError } from '../../lib/errors.ts'
import { type RestRoute, row } from '../row.ts'

export const SYSTEM_ROWS: readonly RestRoute[] = [
  row({
    method: 'POST',
    path: '/api/v2/system/backup',
    document: LegacyCopyDocument,
    ask({ fields }) {
      const dir = fields.text('dir')
      if (dir !== '') return { dir }
      throw new BackupdError(
        'FORBIDDEN',
        'dir is empty: name a directory below the one given with --copy-dir',
      )
    },
    answer: () => ({ status: 200, body: 'CREATED' }),
    refused: { statuses: { FORBIDDEN: 403 } },
  }),
]
