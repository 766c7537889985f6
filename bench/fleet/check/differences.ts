/**
 * Where two JSON values differ in shape: fields that only one has, and values of different types. A null fits anything,
 * and of lists only the first items are compared.
 */
export function findDifferences(real: unknown, simulated: unknown, at = ''): string[] {
  const [one, other] = [kindOf(real), kindOf(simulated)]
  if (one === 'null' || other === 'null') return []
  if (one !== other) return [`${at} is a ${other}, expected a ${one}`]
  if (Array.isArray(real) && Array.isArray(simulated)) {
    if (real.length === 0 || simulated.length === 0) return []
    return findDifferences(real[0], simulated[0], `${at}[0]`)
  }
  return one === 'object' ? compareFields(real as Fields, simulated as Fields, at) : []
}

type Fields = Record<string, unknown>

function compareFields(real: Fields, simulated: Fields, at: string): string[] {
  return [...new Set([...Object.keys(real), ...Object.keys(simulated)])].flatMap((name) => {
    if (!(name in simulated)) return [`${at}.${name} is missing`]
    if (!(name in real)) return [`${at}.${name} is not a field of a real daemon`]
    return findDifferences(real[name], simulated[name], `${at}.${name}`)
  })
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}
