import { spawnSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** Describes the machine and the code of results. */
export const describeMachine = () => ({
  date: new Date().toISOString(),
  processors: cpus().length,
  model: cpus()[0]?.model.trim() ?? 'unknown',
  memoryBytes: totalmem(),
  system: `${process.platform} ${release()} ${process.arch}`,
  node: process.version,
})

/** The commit of a checkout, with `-dirty` when files differ from it; undefined outside of a repository. */
export const describeRevision = (root: string): string | undefined => {
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--dirty', '--abbrev=10'], {
    cwd: root,
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : undefined
}
