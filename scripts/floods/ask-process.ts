import type { Child } from '../../bench/brokers/child.ts'

interface Answer {
  readonly type: string
}

/** The answer of a process that could not do what it was asked for. */
interface Failed {
  readonly type: 'failed'
  readonly reason: string
}

/** Sends a message to a process and waits for the next one from it. @throws Error when it fails, ends or takes too long. */
export const askProcess = <R extends Answer>(child: Child, message: object, deadlineMs: number): Promise<R> =>
  new Promise((resolve, reject) => {
    const { process } = child
    const settle = (act: () => void) => () => {
      clearTimeout(timer)
      process.off('message', answered).off('exit', ended)
      act()
    }
    const answered = (report: R | Failed) =>
      settle(() => (report.type === 'failed' ? reject(new Error((report as Failed).reason)) : resolve(report as R)))()
    const ended = settle(() => reject(new Error(`a process ended: ${child.output.trim()}`)))
    const late = settle(() => reject(new Error(`a process gave no answer within ${deadlineMs / 1000} s`)))
    const timer = setTimeout(late, deadlineMs)
    process.once('message', answered).once('exit', ended)
    process.send(message)
  })
