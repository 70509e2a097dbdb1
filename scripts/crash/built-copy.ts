import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { removeTemporaryDirectory, temporaryDirectory } from '../../bench/temporary.ts'
import { runCompiler } from '../run-compiler.ts'

/**
 * The broker of a checkout, compiled into a folder of its own, with the store that the crash runs end. It starts in less than a
 * second, needs no build of the checkout and does not change it.
 */
export class BuiltCopy {
  /** Has what a built checkout has: `bin`, `dist` and `package.json`. Packages are found in the checkout, which it is within. */
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  /** @param checkout its folder. @throws Error when it cannot be compiled. */
  static make(checkout: string): BuiltCopy {
    const root = temporaryDirectory(resolve(checkout, '.jig'))
    const args = ['--project', 'scripts/crash/tsconfig.json', '--outDir', join(root, 'dist')]
    const { status, output } = runCompiler(checkout, args)
    if (status !== 0) throw new Error(`The broker cannot be compiled:\n${output}`)
    for (const name of ['bin', 'package.json']) cpSync(join(checkout, name), join(root, name), { recursive: true })
    return new BuiltCopy(root)
  }

  /** A file by the path of its source in the checkout. */
  file(source: string): string {
    return join(this.root, 'dist', source.replace(/\.ts$/, '.js'))
  }

  remove(): void {
    removeTemporaryDirectory(this.root)
  }
}
