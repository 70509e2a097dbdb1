import { EventEmitter } from 'node:events'
import type { HostProcess } from '../../src/host-process.ts'

/** A process that a program runs in: a test sends it signals, and reads what the program did with it. */
export class FakeProcess extends EventEmitter implements HostProcess {
  readonly pid = 4711
  exitCode: number | undefined
  /** What ended the process: `exit 130`, `SIGHUP to 4711`. */
  readonly ends: string[] = []
  /** What keeps it open. */
  resources: readonly string[] = []

  signal(name: NodeJS.Signals): void {
    this.emit(name, name)
  }

  kill(pid: number, signal: NodeJS.Signals): void {
    this.ends.push(`${signal} to ${pid}`)
  }

  exit(code: number): void {
    this.ends.push(`exit ${code}`)
  }

  getActiveResourcesInfo(): readonly string[] {
    return this.resources
  }
}
