import { pino } from 'pino'
import { Change, setting } from '../../src/collections/change.ts'
import type { LogLevel } from '../../src/kinds/logger.ts'
import { LevelLogger, levelValues } from './level-logger.ts'
import type { RecentLines } from './log-tail.ts'
import { Outlet, type TailBounds } from './outlet.ts'
import { Output, type OutputOptions } from './output.ts'

export interface PinoLoggerOptions extends OutputOptions, TailBounds {
  readonly level: LogLevel
}

/** The logger of a system, with the output that it owns. */
export class PinoLogger extends LevelLogger {
  readonly #outlet: Outlet
  #options: PinoLoggerOptions

  private constructor(outlet: Outlet, options: PinoLoggerOptions) {
    super(pino({ level: 'trace' }, outlet), { level: options.level, threshold: levelValues[options.level] })
    this.#outlet = outlet
    this.#options = options
  }

  /** Opens the destination. @throws the operating system's error when the file cannot be opened. */
  static async open(options: PinoLoggerOptions): Promise<PinoLogger> {
    return new PinoLogger(new Outlet(await Output.open(options), options), options)
  }

  get tail(): RecentLines | undefined {
    return this.#outlet.tail
  }

  /**
   * Prepares other options for this logger and its children. A level that was assigned stays unless the options have another one than
   * before.
   * @throws as `open`.
   */
  async adjust(options: PinoLoggerOptions): Promise<Change> {
    const before = this.#options
    const isElsewhere = options.destination !== before.destination || options.format !== before.format
    const opened = isElsewhere ? await Output.open(options) : undefined
    let former: Output | undefined
    const change = (): (() => void) => {
      const level = options.level === before.level ? this.level : options.level
      const steps = new Change([
        setting<PinoLogger>(this, { level }),
        () => this.#outlet.adjustTail(options),
        () => {
          this.#options = options
          former = opened === undefined ? undefined : this.#outlet.replace(opened)
          return () => {
            this.#options = before
            if (former === undefined) return
            // It writes what it got; a reset that is undone does not wait for that.
            void this.#outlet.replace(former).close()
          }
        },
      ])
      steps.commit()
      return () => steps.undo()
    }
    return new Change([change], { done: () => former?.close(), discard: () => opened?.close() })
  }

  /** Writes what is buffered and closes the file. What is logged afterwards is discarded. */
  async close(): Promise<void> {
    this.level = 'silent'
    await this.#outlet.close()
  }
}
