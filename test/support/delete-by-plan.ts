const ARGUMENTS = '$app: ID!, $proc: ID!, $names: [ID!]!, $server: ID, $now: Boolean'
const GIVEN = 'app: $app, proc: $proc, names: $names, server: $server, now: $now'
const PLAN = `query (${ARGUMENTS}) { deleteBackupsPlan(${GIVEN}) { planHash } }`
const DELETE = `mutation (${ARGUMENTS}, $planHash: String) { deleteBackups(${GIVEN}, planHash: $planHash) }`

type Ask = <T>(query: string, variables: object) => Promise<T>

/** Deletes backups as a plan says that was just made; what would stay is asked for all the same. */
export async function deleteByPlan(
  ask: Ask,
  named: { app: string; proc: string; names: string[]; server?: string; now?: boolean },
): Promise<{ deleteBackups: string[] }> {
  const { deleteBackupsPlan } = await ask<{ deleteBackupsPlan: { planHash: string | null } }>(PLAN, named)
  return await ask(DELETE, { ...named, ...deleteBackupsPlan })
}
