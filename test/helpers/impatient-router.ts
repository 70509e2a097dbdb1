import { UNITS_PER_TURN } from '../../components/broker/turn-scheduler.ts'
import { LocalRouter } from '../../components/router/local-router.ts'
import type { Message } from '../../src/mqtt/message.ts'

/** A router that divides its work earlier than necessary. */
export class ImpatientRouter extends LocalRouter {
  readonly #limit: number
  readonly #step: number

  constructor(limit: number, step: number) {
    super()
    this.#limit = limit
    this.#step = step
  }

  override publish(message: Message, publisher?: Parameters<LocalRouter['publish']>[1], limit?: number) {
    return super.publish(message, publisher, limit === undefined ? undefined : Math.min(limit, this.#limit))
  }

  override publishInSteps(message: Message, publisher?: Parameters<LocalRouter['publish']>[1]) {
    const steps = super.publishInSteps(message, publisher)
    const step = steps.step.bind(steps)
    steps.step = (units) => {
      const work = step(Math.min(units, this.#step))
      // A turn is over after a few steps.
      return Math.max(work, UNITS_PER_TURN / 3)
    }
    return steps
  }
}
