import { expect, test } from 'vitest'
import { type AccessTarget, can } from '../../../src/domain/access/can.ts'
import { makeAnonymous, makeTokenPrincipal } from '../../../src/domain/access/principal.ts'
import { ACCESS_RULES, type AccessAction, type Grant, ROLES } from '../../../src/domain/access/roles.ts'
import { isAppPattern, matchesAppPattern, Scope } from '../../../src/domain/access/scope.ts'
import { AccessRole, AccessAction as ShownAction } from '../../../src/resolvers/enums/access-enums.ts'

const ACTIONS = Object.keys(ACCESS_RULES) as AccessAction[]

function allowed(grants: Grant[], target: AccessTarget): string {
  const principal = makeTokenPrincipal('0', 'test', grants)
  return ACTIONS.filter((action) => can(principal, action, target).allowed).join(' ')
}

test.each([
  ['viewer', 'view'],
  ['operator', 'view run sleep wake cancel verify acknowledge'],
  ['restorer', 'view recover download migrate'],
  ['admin', ACTIONS.join(' ')],
] as const)('%s may do these things, with its apps and with nothing else', (role, expected) => {
  const grants = [{ role, apps: ['shop', 'team-*'] }]
  expect(allowed(grants, { app: 'shop' })).toBe(expected)
  expect(allowed(grants, { app: 'team-a' })).toBe(expected)
  for (const app of ['shop2', 'sho', 'Shop', 'team', 'a-team-a', ''])
    expect(allowed(grants, { app })).toBe('')
  expect(allowed(grants, 'everything')).toBe('')
  expect(allowed([{ role, apps: null }], 'everything')).toBe(expected)
  expect(allowed([{ role, apps: ['*'] }], 'everything')).toBe(expected)
  expect(allowed([{ role, apps: null }], { app: '' })).toBe(expected)
})

test('nothing is allowed without a grant, and each grant is for its own apps only', () => {
  expect(allowed([], { app: 'shop' })).toBe('')
  const grants: Grant[] = [
    { role: 'viewer', apps: null },
    { role: 'operator', apps: ['shop'] },
  ]
  expect(allowed(grants, { app: 'other' })).toBe('view')
  expect(allowed(grants, { app: 'shop' })).toBe('view run sleep wake cancel verify acknowledge')
  expect(can(makeTokenPrincipal('0', 'test', grants), 'delete', { app: 'shop' }).because).toBe(
    'Only admin of "shop" may delete backups; you have viewer, operator of shop',
  )
})

test('the scope of a principal has what its roles may view', () => {
  expect(makeAnonymous('none').scope.has('shop')).toBe(false)
  expect(makeAnonymous('viewer').scope.isWhole).toBe(true)
  const both = makeTokenPrincipal('0', 'test', [
    { role: 'operator', apps: ['shop'] },
    { role: 'restorer', apps: ['team-*'] },
  ])
  expect(['shop', 'team-', 'team-x', 'other', ''].filter((app) => both.scope.has(app))).toEqual([
    'shop',
    'team-',
    'team-x',
  ])
})

test("the system's own runs, which name what they did to all apps, are for those who may see everything", () => {
  for (const apps of [['backupctl'], ['back*'], ['backupctl', 'shop']]) {
    expect(new Scope(apps).has('backupctl')).toBe(false)
    expect(allowed([{ role: 'admin', apps }], { app: 'backupctl' })).toBe('')
  }
  expect(new Scope(['*']).has('backupctl')).toBe(true)
})

test('scopes that are alike have the same key, others have not', () => {
  const keys = [['a', 'b'], ['b', 'a', 'a'], ['a'], ['a*'], ['["a"]'], null, ['*', 'a']].map(
    (patterns) => new Scope(patterns).key,
  )
  expect(keys[0]).toBe(keys[1])
  expect(keys[5]).toBe(keys[6])
  expect(new Set(keys).size).toBe(5)
})

test('an app is named as it is, or by the beginning of its name', () => {
  expect(['shop', 'team-*', '*', 'ä.b_c'].filter((text) => !isAppPattern(text))).toEqual([])
  for (const text of ['', 'a b', '*a', 'a*b', 'a**', 'a\n', 'x'.repeat(201)])
    expect(isAppPattern(text)).toBe(false)
  expect(matchesAppPattern('__proto__', '__proto__')).toBe(true)
})

test('GraphQL has a name for every action and role', () => {
  expect(Object.values(ShownAction).sort()).toEqual(ACTIONS.toSorted())
  expect(Object.values(AccessRole).sort()).toEqual([...ROLES].sort())
})

test('nobody manages access without a token, because the tokens made so would outlive open access', () => {
  const everybody = makeAnonymous('admin')
  expect(can(everybody, 'access', 'everything')).toMatchObject({
    allowed: false,
    because: expect.stringContaining('takes a token'),
  })
  expect(can(everybody, 'delete', 'everything').allowed).toBe(true)
})
