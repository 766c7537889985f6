import { globSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { STARTED, TEST_PROGRAM } from './scripts/bundle.ts'

/** A test that changes what is global in its process, or measures it, has a process of its own. */
const NEEDS_OWN_PROCESS =
  /vi\.(spyOn|stub|useFakeTimers)|setDefaultCACertificates|process\.(chdir|umask|memoryUsage|resourceUsage)|monitorEventLoopDelay|recorded-disk|run-quietly/
const ALONE = globSync('test/**/*.test.ts').filter((file) =>
  NEEDS_OWN_PROCESS.test(readFileSync(file, 'utf8')),
)

/** Folders of tests, those with the longest ones first. */
const FOLDERS = [
  ...new Set([
    ...['faults', 'compat', 'process', 'cluster'],
    ...readdirSync('test', { withFileTypes: true }).flatMap((each) =>
      each.isDirectory() ? [each.name] : [],
    ),
  ]),
]
const PROJECTS = ['alone', ...FOLDERS]

/** Keeps the files of a project together: a process goes on with the next file only if it is of the same project. */
class FolderByFolder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const placeOf = ({ project }: TestSpecification) => PROJECTS.indexOf(project.name)
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}

/**
 * What our code and our tests start is built: it loads twice as fast as the sources. `globalSetup` builds it when it is
 * older than them.
 */
const startWhatIsBuilt = {
  name: 'start-what-is-built',
  transform: (code: string) =>
    code
      .replaceAll(STARTED, (_, name) => nameBuilt(`dist/program/${name}.js`))
      .replaceAll(TEST_PROGRAM, (_, name) => nameBuilt(`dist/test-programs/${name}.js`)),
}

function nameBuilt(file: string): string {
  return `new URL(${JSON.stringify(new URL(file, import.meta.url))})`
}

export default defineConfig({
  plugins: [startWhatIsBuilt],
  // One copy of graphql: its CommonJS and module builds refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    environment: 'node',
    globalSetup: 'test/support/build-first.ts',
    pool: 'forks',
    // Much of the time is spent waiting for programs that the tests start.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // What is waited for comes within moments; a loaded machine may take longer.
    expect: { poll: { timeout: 30_000 } },
    sequence: { sequencer: FolderByFolder },
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/generated/**', 'src/web/**'] },
    // Half of the processor's time of a test is spent on loading our modules: the files of a folder share processes.
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE, isolate: true } },
      ...FOLDERS.map((name) => ({
        extends: true as const,
        test: { name, include: [`test/${name}/**/*.test.ts`], exclude: ALONE, isolate: false },
      })),
    ],
  },
})
