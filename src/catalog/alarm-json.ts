import { z } from 'zod'

const time = z.number()
const names = z.array(z.string())

/** domain/alarms/alarm.ts Alarm, as it is stored. */
export const alarmSchema = z.object({
  ...{ id: z.string(), seq: z.number(), raisedSeq: z.number(), key: z.string(), parent: z.string() },
  isGroup: z.boolean(),
  kind: z.string(),
  severity: z.enum(['CRITICAL', 'WARNING', 'INFO']),
  target: z.object({
    type: z.enum(['CONTROLLER', 'STORE', 'SERVER', 'VOLUME']),
    server: z.string().nullable(),
    volume: z
      .object({ app: z.string(), proc: z.string(), instanceNo: z.number(), name: z.string() })
      .nullable(),
  }),
  ...{ apps: names, servers: names, count: z.number(), message: z.string() },
  ...{ since: time, raisedAt: time, clearedAt: time.nullable() },
  acknowledged: z.object({ by: z.string(), at: time, until: time, why: z.string() }).nullable(),
  isInSummary: z.boolean(),
  told: names.default([]),
})
