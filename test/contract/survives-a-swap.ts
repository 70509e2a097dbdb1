import { describe, expect, it } from 'vitest'
import type { AnyComponent } from '../../src/system/component.ts'
import type { Adjustment } from '../../src/system/handover.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'

export interface SwapUnderTest<I, D extends object> {
  readonly component: AnyComponent
  /** A config as it is written. */
  readonly config: object
  /** Other configs, which a running instance takes over. */
  readonly others?: readonly object[]
  /** Other configs for which an instance must be swapped or restarted. */
  readonly refused?: readonly object[]
  /** The dependencies of one instance. An instance and its successor get the same. */
  dependencies(): D
  /** Fills the instance with state, and uses it. Each step does the same to every instance that is in the same state. */
  readonly history: readonly ((instance: I, dependencies: D) => unknown)[]
  /** What others see of an instance. Equal for instances in the same state. It may use the instance, and is called once, at the end. */
  observe(instance: I, dependencies: D): unknown
  /** Whether an instance that took over a config before the history is like one that was started with it. Default: true. */
  readonly becomesLikeNew?: boolean
}

/**
 * What a component must do that goes on over a reset: at every point of its history it is adjusted, or swapped, or one of these is taken
 * back, and afterwards it is like a twin that was never touched.
 */
export const survivesASwap = <I, D extends object>(name: string, test: SwapUnderTest<I, D>): void => {
  const { component, history, others = [], refused = [] } = test
  const points = history.map((_, index) => index).concat(history.length)
  const configs: readonly (readonly [string, object])[] = [
    ['the same config', test.config],
    ...others.map((config, index) => [`other config ${index + 1}`, config] as const),
  ]

  describe(`${name} over a reset`, () => {
    if (component.adjust !== undefined) {
      it.each(points)('is adjusted to the config that it has, after %i steps', async (point) => {
        const [subject, twin] = [await Running.start(test), await Running.start(test)]
        await subject.run(history.slice(0, point))
        const adjustment = await subject.adjust(test.config)
        adjustment.commit()
        await adjustment.done?.()
        await subject.run(history.slice(point))
        await twin.run(history)
        await expectTwins(subject, twin)
      })

      describe.each(configs)('with %s', (_, config) => {
        it.each(points)('takes an adjustment back, after %i steps', async (point) => {
          const [subject, twin] = [await Running.start(test), await Running.start(test)]
          await subject.run(history.slice(0, point))
          const abandoned = await subject.adjust(config)
          await abandoned.discard?.()
          const adjustment = await subject.adjust(config)
          adjustment.commit()
          adjustment.undo()
          await subject.run(history.slice(point))
          await twin.run(history)
          await expectTwins(subject, twin)
        })
      })

      for (const [index, config] of others.entries()) {
        it(`takes over other config ${index + 1}`, async () => {
          const [subject, twin] = [await Running.start(test), await Running.start(test, config)]
          const adjustment = await subject.adjust(config)
          adjustment.commit()
          await adjustment.done?.()
          if (test.becomesLikeNew === false) return subject.stop().then(() => twin.stop())
          await subject.run(history)
          await twin.run(history)
          await expectTwins(subject, twin)
        })
      }

      it.each(refused)('refuses %j', async (config) => {
        const subject = await Running.start(test)
        await expect((async () => subject.adjust(config))()).rejects.toThrow()
        await subject.stop()
      })
    }

    if (component.handover !== undefined) {
      it.each(points)('is swapped, after %i steps', async (point) => {
        const [subject, twin] = [await Running.start(test), await Running.start(test)]
        await subject.run(history.slice(0, point))
        await subject.swap()
        await subject.run(history.slice(point))
        await twin.run(history)
        await expectTwins(subject, twin)
      })

      it.each(points)('takes a swap back, after %i steps', async (point) => {
        const [subject, twin] = [await Running.start(test), await Running.start(test)]
        await subject.run(history.slice(0, point))
        await subject.swapAndUndo()
        await subject.run(history.slice(point))
        await twin.run(history)
        await expectTwins(subject, twin)
      })

      it('is swapped after each step', async () => {
        const [subject, twin] = [await Running.start(test), await Running.start(test)]
        for (const step of history) {
          await subject.run([step])
          await subject.swapAndUndo()
          await subject.swap()
        }
        await twin.run(history)
        await expectTwins(subject, twin)
      })
    }
  })
}

const expectTwins = async <I, D extends object>(subject: Running<I, D>, twin: Running<I, D>): Promise<void> => {
  expect(await subject.observe()).toEqual(await twin.observe())
  await subject.stop()
  await twin.stop()
}

/** A started component with its dependencies. */
class Running<I, D extends object> {
  readonly #test: SwapUnderTest<I, D>
  readonly #config: unknown
  readonly #dependencies: D
  readonly #context = lifecycleContext('subject')
  #instance: I

  static async start<I, D extends object>(test: SwapUnderTest<I, D>, config = test.config): Promise<Running<I, D>> {
    const parsed = test.component.config.parse(config)
    const dependencies = test.dependencies()
    const instance = (await test.component.start(parsed, dependencies, lifecycleContext('subject'))) as I
    return new Running(test, parsed, dependencies, instance)
  }

  private constructor(test: SwapUnderTest<I, D>, config: unknown, dependencies: D, instance: I) {
    this.#test = test
    this.#config = config
    this.#dependencies = dependencies
    this.#instance = instance
  }

  async run(steps: SwapUnderTest<I, D>['history']): Promise<void> {
    for (const step of steps) await step(this.#instance, this.#dependencies)
  }

  async observe(): Promise<unknown> {
    return this.#test.observe(this.#instance, this.#dependencies)
  }

  async adjust(config: object): Promise<Adjustment> {
    const { component } = this.#test
    return component.adjust!(this.#instance, component.config.parse(config), this.#dependencies, this.#context)
  }

  async swap(): Promise<void> {
    const handover = this.#test.component.handover!
    const former = this.#instance
    const next = await handover.prepare(this.#config, this.#dependencies, this.#context)
    await handover.rehearse?.(next, handover.give(former))
    const census = handover.census?.(former)
    handover.take(next, handover.give(former))
    expect(handover.census?.(next)).toEqual(census)
    this.#instance = next as I
    await handover.retire(former)
  }

  async swapAndUndo(): Promise<void> {
    const handover = this.#test.component.handover!
    const next = await handover.prepare(this.#config, this.#dependencies, this.#context)
    const state = handover.give(this.#instance)
    expect(handover.give(this.#instance)).toEqual(state)
    await handover.rehearse?.(next, state)
    handover.take(next, handover.give(this.#instance))()
    await (handover.discard ?? handover.retire)(next)
  }

  async stop(): Promise<void> {
    await this.#test.component.stop?.(this.#instance, this.#context)
  }
}
